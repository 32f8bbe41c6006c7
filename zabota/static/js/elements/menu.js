/** <care-menu>: places a native popover beside its button, moves focus by arrows, filters by typing. */
const GAP = 6;

class CareMenu extends HTMLElement {
  connectedCallback() {
    this.addEventListener("keydown", this);
    this.addEventListener("input", this);
    this.addEventListener("click", this);
    // The toggle event of a popover does not bubble; capturing hears it.
    this.addEventListener("toggle", this, true);
  }

  get button() {
    return this.querySelector("[popovertarget]");
  }

  get menu() {
    return this.querySelector("[popover]");
  }

  get items() {
    return [...this.menu.querySelectorAll(".menu-filter, .menu-item:not([hidden])")].filter((one) => one.checkVisibility());
  }

  handleEvent(event) {
    if (event.type === "toggle" && event.target === this.menu) this.toggled(event.newState === "open");
    if (event.type === "keydown" && this.menu.contains(event.target)) this.keyed(event);
    if (event.type === "input" && event.target.matches("[data-filter]")) this.filter(event.target.value);
    if (event.type === "click" && event.target.closest(".menu-item:not([data-stay])")) setTimeout(() => this.menu.hidePopover());
  }

  toggled(open) {
    this.button.setAttribute("aria-expanded", open);
    if (!open) return;
    this.place();
    (this.items.find((one) => one.matches(".menu-filter, [aria-checked=true]")) ?? this.items[0])?.focus();
  }

  place() {
    const anchor = this.button.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.menu;
    const beside = this.dataset.side === "right" && innerWidth >= 760;
    const wanted = beside ? anchor.right + GAP : anchor.left + width > innerWidth - GAP ? anchor.right - width : anchor.left;
    const below = beside ? anchor.bottom - height : anchor.bottom + GAP;
    const top = below + height > innerHeight - GAP ? anchor.top - height - GAP : below;
    this.menu.style.left = `${Math.max(GAP, Math.min(wanted, innerWidth - width - GAP))}px`;
    this.menu.style.top = `${Math.max(GAP, Math.min(top, innerHeight - height - GAP))}px`;
  }

  keyed(event) {
    const items = this.items;
    const at = items.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (next === undefined) {
      if (event.key === "Enter" && event.target.matches("[data-filter]")) {
        event.preventDefault();
        items[1]?.click();
      }
      return;
    }
    event.preventDefault();
    items.at(next % items.length)?.focus();
  }

  filter(text) {
    const fold = (word) => word.toLocaleLowerCase().replaceAll("ё", "е");
    for (const item of this.menu.querySelectorAll(".menu-item")) item.hidden = !fold(item.textContent).includes(fold(text.trim()));
  }
}

customElements.define("care-menu", CareMenu);
