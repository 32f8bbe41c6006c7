/** <care-dialog>: a native dialog; anything with data-dialog="id" opens it, the veil closes it. */
class CareDialog extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", (event) => {
      if (event.target.matches("dialog") || event.target.closest("[data-close]")) this.querySelector("dialog").close();
    });
  }
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-dialog]");
  const dialog = opener && document.getElementById(opener.dataset.dialog);
  if (dialog && !dialog.open) dialog.showModal();
});
customElements.define("care-dialog", CareDialog);
