# `make` is the manual. Every target sets up what it needs; a second run starts at once.
SHELL := /bin/sh
BIN := .venv/bin
PROCESSES ?= 2
TESTS ?=

.DEFAULT_GOAL := help
.PHONY: help set-up set-up-dev demo up test check bench long crash screens messages docs release-archive

help:
	@echo "make demo      set up and run with demonstration data; prints the addresses"
	@echo "make up        set up and run"
	@echo "make test      set up and run all tests (TESTS=tests/ops for a part)"
	@echo "make check     style, types, floors of the house, docs, migrations, translations"
	@echo "make long      tests that take minutes, and make bench grown to 1,000,000 tickets"
	@echo "make crash     kill processes at every step and count what got lost"
	@echo "make bench     speed and scale, measured"
	@echo "make screens   every screen, judged and pictured, in all themes, languages and sizes"
	@echo "make messages  collect the strings to translate, compile the translations"
	@echo "make docs      write the generated pages anew"
	@echo "make release-archive VERSION=v1.2.0  keep a small backup of this version for the tests of later ones"

set-up:
	@PYTHON="$(PYTHON)" scripts/set-up run

set-up-dev:
	@PYTHON="$(PYTHON)" scripts/set-up dev

demo: export ZABOTA_DEMO := 1
demo: set-up
	@$(BIN)/zabota demo load
	@exec $(BIN)/zabota up

up: set-up
	@exec $(BIN)/zabota up

test: set-up-dev
	@scripts/chromium
	$(BIN)/pytest -n $(PROCESSES) --dist loadgroup $(TESTS)

# Types are read with settings loaded; these keep them away from ./data.
check: export ZABOTA_DATA := build/check
check: export ZABOTA_SECRET_KEY := check
check: set-up-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/zabota docs --check
	DJANGO_SETTINGS_MODULE=tests.settings $(BIN)/python -W ignore -m django makemigrations --check --dry-run

long: set-up-dev
	$(BIN)/pytest -m long
	@mkdir -p build
	$(BIN)/python -m bench --grow 1000000 --samples 400 --mails 3000 --results build/long.json

crash: set-up-dev
	$(BIN)/python -m tests.crash

screens: export SCREENS := $(CURDIR)/build/screens
screens: set-up-dev
	@scripts/chromium
	@rm -rf build/screens
	@$(BIN)/pytest -q -m "long or not long" --tb=short tests/browser/test_axe.py; status=$$?; \
		echo "screens: $$(find build/screens -name '*.png' 2>/dev/null | wc -l) pictures in build/screens, \
	$$([ $$status = 0 ] && echo nothing found || echo 'see above for what was found')"; exit $$status

bench: set-up-dev
	$(BIN)/python -m bench

# pybabel, because Django's makemessages is blind to Jinja templates.
messages: set-up-dev
	@mkdir -p build
	$(BIN)/pybabel extract -F babel.cfg -k gettext_lazy -k gettext_noop -k ngettext_lazy:1,2 -k pgettext:1c,2 -k pgettext_lazy:1c,2 \
		-k npgettext:1c,2,3 -k npgettext_lazy:1c,2,3 --sort-output --no-location --project Zabota -o build/django.pot .
	$(BIN)/pybabel update -D django -i build/django.pot -d zabota/locale -l ru \
		--no-fuzzy-matching --ignore-obsolete --init-missing --ignore-pot-creation-date
	@scripts/set-up dev

docs: set-up-dev
	$(BIN)/zabota docs

release-archive: set-up-dev
	$(BIN)/python -m tests.archives $(VERSION)
