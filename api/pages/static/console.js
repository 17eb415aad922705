// What pages do by script beside htmx: nothing that matters happens here alone.
(() => {
  "use strict";
  const notice = (text) => {
    const place = document.getElementById("notice");
    if (!place) return;
    const line = document.createElement("p");
    line.className = "notice bad";
    line.textContent = text;
    place.replaceChildren(line);
    place.scrollIntoView({ block: "center" });
  };
  let changed = false;

  // a hidden tab doesn't ask
  document.addEventListener("htmx:beforeRequest", (event) => {
    const asked = event.detail.requestConfig;
    if (document.hidden && asked.verb === "get" && asked.path.includes("live=1")) event.preventDefault();
  });
  for (const cut of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(cut, (event) => {
      if (event.detail.requestConfig && event.detail.requestConfig.path.includes("live=1")) return;
      notice(document.getElementById("notice")?.dataset.cut || "");
    });
  }
  document.addEventListener("change", (event) => {
    const all = event.target.dataset ? event.target.dataset.checkAll : undefined;
    if (all) {
      const scope = event.target.closest("form, table");
      for (const box of scope.querySelectorAll(`input[name="${all}"]`)) box.checked = event.target.checked;
    }
    if (event.target.closest("form.act")) changed = true;
    const seen = event.target.type === "file" && event.target.closest(".field")?.querySelector("img.chosen");
    if (seen) {
      const file = event.target.files[0];
      seen.hidden = !file;
      if (file) seen.src = URL.createObjectURL(file);
    }
  });
  document.addEventListener("submit", () => { changed = false; });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target === document.body) changed = false;
    const first = document.querySelector("[autofocus]");
    if (first && event.detail.target === document.body) first.focus();
  });
  // accounts stand in groups of four while typed; copied and sent they have no blanks
  const bare = (text) => text.replace(/\s/g, "");
  const group = (field) => {
    const digits = bare(field.value);
    const value = digits.replace(/\d{4}(?=\d)/g, "$& ");
    if (value === field.value || /\D/.test(digits)) return;
    const before = bare(field.value.slice(0, field.selectionStart)).length;
    const place = before + ((before || 1) - 1 >> 2);
    field.value = value;
    if (field === document.activeElement) field.setSelectionRange(place, place);
  };
  const accounts = (within) => within.querySelectorAll("[data-grouped]");
  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-grouped]")) group(event.target);
  });
  document.addEventListener("formdata", (event) => {
    for (const field of accounts(event.target)) event.formData.set(field.name, bare(field.value));
  });
  for (const taken of ["copy", "cut"]) {
    document.addEventListener(taken, (event) => {
      const field = event.target;
      if (!field.matches?.("[data-grouped]")) return;
      const chosen = [field.selectionStart, field.selectionEnd];
      event.clipboardData.setData("text", bare(field.value.slice(...chosen)));
      event.preventDefault();
      if (taken === "cut") field.setRangeText("", ...chosen);
      group(field);
    });
  }
  // reading aloud, where the browser can
  const voice = window.speechSynthesis;
  const offer = () => {
    if (voice) for (const button of document.querySelectorAll("[data-speak]")) button.hidden = false;
  };
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-speak]")) return;
    if (voice.speaking) { voice.cancel(); return; }
    const said = new SpeechSynthesisUtterance(document.getElementById("main").innerText);
    said.lang = document.documentElement.lang;
    voice.speak(said);
  });
  for (const come of ["htmx:load", "DOMContentLoaded"]) {
    document.addEventListener(come, () => { offer(); accounts(document).forEach(group); });
  }
  window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
})();
