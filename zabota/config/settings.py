"""Every setting, read from the environment. `docs/settings.md` is generated from them."""

from __future__ import annotations

import os
import secrets
import tempfile
from datetime import datetime, time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from zabota.config.network import connection_options
from zabota.lib import embedded
from zabota.lib.environment import env, env_counts, env_flag, env_int, env_list
from zabota.lib.networks import Reach, networks

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = Path(__file__).resolve().parents[1]

DATA_DIR = Path(
    env("ZABOTA_DATA", "./data", "Folder of the embedded database, attachments and keys.")
).absolute()
LISTEN = env("ZABOTA_LISTEN", "127.0.0.1:8100", "Address and port the web server listens on.")
ZABOTA_URL = (
    env(
        "ZABOTA_URL",
        "",
        "Public address for links, CSRF and allowed hosts; empty: http:// and ZABOTA_LISTEN.",
    ).rstrip("/")
    or f"http://{LISTEN}"
)
TRUSTED_PROXIES = env_list(
    "ZABOTA_PROXIES", "", "Addresses of proxies whose X-Forwarded-* headers are believed."
)
DATABASE_URL = env(
    "DATABASE_URL", "", "postgresql://… of an own server; empty: the embedded PostgreSQL."
)
DEMO = env_flag("ZABOTA_DEMO", False, "Demonstration: own mail server on loopback, demo banner.")
DEBUG = env_flag(
    "ZABOTA_DEBUG", False, "Developer mode: error pages with details. Never in public."
)
FAULT = env(
    "ZABOTA_FAULT", "", "Crash tests only: name of the step at which a process kills itself."
)
HEALTHY_SECONDS = env_int(
    "ZABOTA_HEALTHY_SECONDS",
    60,
    "A process that lived so long starts again after 1 s when it dies; else after 2, 5, 10 s.",
)
LOG_LEVEL = env("ZABOTA_LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.")
CLAMAV_SOCKET = env(
    "ZABOTA_CLAMAV", "", "ClamAV: path of clamd's socket or host:port; empty: no scan."
)
OAUTH_STAND_IN = env(
    "ZABOTA_OAUTH_STAND_IN",
    "",
    "Tests only: address of a server that stands for Google and Microsoft.",
).rstrip("/")
MAX_MESSAGE_MB = env_int("ZABOTA_MAX_MESSAGE_MB", 50, "Largest mail taken from a server, in MiB.")
MAX_UPLOAD_MB = env_int("ZABOTA_MAX_UPLOAD_MB", 25, "Largest file an agent may attach, in MiB.")
DOMAIN_PER_MINUTE = env_int(
    "ZABOTA_DOMAIN_PER_MINUTE", 300, "Mails a minute to one recipient's domain; 0: no limit."
)
DOMAIN_LIMITS = env_counts(
    "ZABOTA_DOMAIN_LIMITS",
    "",
    "Other limits for single domains, as mail.example=60,other.example=0 (0: no limit).",
)
WEB_THREADS = env_int("ZABOTA_WEB_THREADS", 8, "Threads that run pages in one web process.")
API_PER_MINUTE = env_int(
    "ZABOTA_API_PER_MINUTE", 600, "Requests that one token of a program may send in a minute."
)
WEB_PROCESSES = env_int("ZABOTA_WEB_PROCESSES", 1, "Web processes.")
WORKER_JOBS = env_int("ZABOTA_WORKER_JOBS", 4, "Jobs that one worker process runs at once.")
WORKER_PROCESSES = env_int(
    "ZABOTA_WORKER_PROCESSES", 1, "Worker processes; each uses one core when there is much to do."
)


def _reach() -> Reach:
    """How far addresses given by users may lead."""
    words = env_list(
        "ZABOTA_FETCH_NETWORKS",
        "",
        "Networks of your own (10.1.0.0/16,192.168.5.7) to which addresses given by users, such as "
        "those of webhooks, may lead; without, only public ones.",
    )
    try:
        named = networks(words)
    except ValueError as error:
        raise SystemExit(f"ZABOTA_FETCH_NETWORKS is not understood: {error}") from None
    if DEMO:
        # A demonstration disturbs nobody: it calls its own machine only.
        return Reach(networks(["127.0.0.0/8", "::1"]), is_public_open=False)
    return Reach(named)


FETCH_REACH = _reach()
BLOCKED_FILE_TYPES = frozenset(
    env_list(
        "ZABOTA_BLOCKED_FILES",
        "exe,com,scr,pif,bat,cmd,msi,jar,vbs,vbe,js,jse,wsf,wsh,hta,cpl,lnk,reg,ps1",
        "File name endings that nobody may download without an administrator.",
    )
)


def _key() -> str:
    """The secret key from the environment or from `keys/secret` in the data folder (made once)."""
    given = env(
        "ZABOTA_SECRET_KEY", "", "Secret key; empty: made at first start in the data folder."
    )
    if given:
        return given
    path = DATA_DIR / "keys" / "secret"
    try:
        if path.exists():
            return path.read_text().strip()
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = secrets.token_urlsafe(50)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "w") as file:
            file.write(made)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)
        except FileExistsError:
            made = path.read_text().strip()
        os.unlink(temporary)
    except OSError as error:
        raise SystemExit(
            f"The data folder {DATA_DIR} cannot be written ({error.strerror}). "
            "Make it writable for this user or name another one in ZABOTA_DATA."
        ) from None
    return made


SECRET_KEY = _key()


EMBEDDED_CLUSTER = embedded.cluster_dir(DATA_DIR)


def embedded_socket_dir() -> Path:
    """Folder of the embedded server's socket."""
    return embedded.socket_dir(EMBEDDED_CLUSTER)


def _database() -> dict[str, Any]:
    options: dict[str, Any] = {
        "server_side_binding": True,
        "prepare_threshold": 2,
        "pool": {"min_size": 1, "max_size": max(WEB_THREADS, WORKER_JOBS) + 4, "timeout": 10},
        "options": "-c jit=off -c timezone=UTC",
    }
    common = {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 0, "OPTIONS": options}
    if not DATABASE_URL:
        return common | {"NAME": "zabota", "USER": "postgres", "HOST": str(embedded_socket_dir())}
    parts = urlsplit(DATABASE_URL)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise SystemExit("DATABASE_URL must look like postgresql://user:password@host:5432/name")
    query = dict(parse_qsl(parts.query))
    host = query.pop("host", None) or unquote(parts.hostname or "")
    options.update(connection_options(options["options"], query))
    return common | {
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(parts.port or ""),
    }


DATABASES = {"default": _database()}

BACKUP_DIR = Path(
    env(
        "ZABOTA_BACKUP_DIR",
        "",
        "Folder of automatic backups, better on another disk; empty: backups in ZABOTA_DATA.",
    )
    or DATA_DIR / "backups"
).absolute()


def _backup_time() -> time | None:
    given = env(
        "ZABOTA_BACKUP_AT",
        "03:15",
        "When the daily backup is made, by the clock of ZABOTA_TIME_ZONE; off: never.",
    ).strip()
    if given.lower() in {"", "off", "0", "no", "never"}:
        return None
    try:
        return datetime.strptime(given, "%H:%M").time()  # noqa: DTZ007 (a time of any day)
    except ValueError:
        raise SystemExit(f"ZABOTA_BACKUP_AT must look like 03:15 or off, not {given!r}") from None


BACKUP_AT = _backup_time()
BACKUP_DAILY = env_int(
    "ZABOTA_BACKUP_DAILY", 7, "How many days keep their backup; at least 1 is kept."
)
BACKUP_WEEKLY = env_int(
    "ZABOTA_BACKUP_WEEKLY", 4, "How many weeks before those days keep one backup each."
)
BACKUP_TRIAL_DAYS = env_int(
    "ZABOTA_BACKUP_TRIAL_DAYS",
    7,
    "After so many days the newest backup is restored on trial and compared; 0: never.",
)
BACKUP_BEFORE_UPGRADE = env_flag(
    "ZABOTA_BACKUP_BEFORE_UPGRADE",
    True,
    "A backup is made before a new version changes the schema.",
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

_public = urlsplit(ZABOTA_URL)
SECURE = _public.scheme == "https"
ALLOWED_HOSTS = sorted({_public.hostname or "127.0.0.1", "127.0.0.1", "localhost"})
CSRF_TRUSTED_ORIGINS = [ZABOTA_URL]
CSRF_FAILURE_VIEW = "zabota.config.errors.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "procrastinate.contrib.django",
    "zabota.events",
    "zabota.staff",
    "zabota.calendars",
    "zabota.customers",
    "zabota.channels",
    "zabota.tickets",
    "zabota.sla",
    "zabota.automation",
    "zabota.notify",
    "zabota.desk",
    "zabota.portal",
    "zabota.api",
    "zabota.ops",
]

MIDDLEWARE = [
    "zabota.config.middleware.RequestContext",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "zabota.config.middleware.PersonalSettings",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "zabota.config.middleware.SessionActivity",
]

ROOT_URLCONF = "zabota.config.urls"
WSGI_APPLICATION = "zabota.config.asgi.django"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "APP_DIRS": True,
        "OPTIONS": {
            "environment": "zabota.config.jinja.environment",
            "context_processors": ["zabota.config.jinja.page_context"],
        },
    },
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    },
]

AUTH_USER_MODEL = "staff.Agent"
AUTHENTICATION_BACKENDS = ["zabota.staff.signin.AgentBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"

ACCOUNT_ADAPTER = "zabota.staff.signin.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_REAUTHENTICATION_REQUIRED = True
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key"}
MFA_ADAPTER = "zabota.staff.signin.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Zabota"
USERSESSIONS_ADAPTER = "zabota.staff.signin.SessionsAdapter"
USERSESSIONS_TRACK_ACTIVITY = True

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "zabota_cache",
    }
}
SESSION_ENGINE = "zabota.staff.sessionstore"
EMAIL_BACKEND = "zabota.channels.systemmail.OutboxBackend"
DEFAULT_FROM_EMAIL = env(
    "ZABOTA_MAIL_FROM", "", "Sender of system mail; empty: the first inbox's address."
)

DKIM_SELECTORS = env_list(
    "ZABOTA_DKIM_SELECTORS",
    "",
    "Names of DKIM keys that `zabota doctor` asks for before usual ones.",
)

LANGUAGE_CODE = "ru"
LANGUAGES = [("ru", "Русский"), ("en", "English")]
LOCALE_PATHS = [PACKAGE / "locale"]
TIME_ZONE = env(
    "ZABOTA_TIME_ZONE", "Europe/Moscow", "Zone of people who have not chosen their own."
)
USE_TZ = True
USE_I18N = True

STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [PACKAGE / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "zabota.config.static.HashedStatic"},
}
WHITENOISE_IMMUTABLE_FILE_TEST = r"^.+\.[0-9a-f]{12}\..+$"
BLOB_DIR = DATA_DIR / "blobs"
FILE_UPLOAD_TEMP_DIR = None

LOGGING_CONFIG = None

SILENCED_SYSTEM_CHECKS: list[str] = []

PROCRASTINATE_AUTODISCOVER_MODULE_NAME = ""
PROCRASTINATE_IMPORT_PATHS = ["zabota.events.jobs"]
