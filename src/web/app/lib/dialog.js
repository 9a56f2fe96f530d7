// Dialogs, menus and messages, on top of the browser's own <dialog>.

import {fill, h, icon} from "./dom.js";

/** A message in the corner that goes away by itself. kind: "info" or "error". */
export function toast(text, kind = "info") {
    const box = h(`div.toast.${kind}`, h("span", text),
        h("button.bare", {"aria-label": "Close", onclick: () => box.remove()}, icon("close")));
    document.getElementById("toasts").append(box);
    setTimeout(() => box.remove(), kind === "error" ? 10000 : 4000);
}

export function reportError(error) {
    if (error?.name === "AbortError") return;
    toast(error?.message ?? String(error), "error");
}

/**
 * A form in a dialog. fields: [{name, label, value, type ("text", "textarea", "select", "checkbox"), options, hint,
 * required}]. `submit` gets the values and may throw: its message is shown and the dialog stays open.
 * Resolves to true when it was submitted.
 */
export function formDialog({title, text, fields = [], action = "Save", danger = false, submit}) {
    return new Promise((resolve) => {
        const controls = fields.map((field) => [field, makeControl(field)]);
        const problem = h("p.problem", {role: "alert", hidden: true});
        const go = h(`button.${danger ? "danger" : "primary"}`, {type: "submit"}, action);
        const form = h("form", {method: "dialog"},
            h("h2", title), text && h("p.muted", text),
            controls.map(([field, control]) => labelled(field, control)), problem,
            h("div.buttons", h("button", {type: "button", onclick: () => dialog.close()}, "Cancel"), go));
        const dialog = h("dialog", {"aria-label": title, onclose: () => {
            dialog.remove();
            resolve(dialog.returnValue === "done");
        }}, form);
        form.addEventListener("submit", async (event) => {
            event.preventDefault();
            go.disabled = true;
            try {
                await submit(Object.fromEntries(controls.map(([f, c]) => [f.name, readControl(c)])));
                dialog.close("done");
            } catch (error) {
                problem.textContent = error.message;
                problem.hidden = false;
            }
            go.disabled = false;
        });
        document.body.append(dialog);
        dialog.showModal();
        (controls[0]?.[1] ?? go).focus();
    });
}

function makeControl(field) {
    const common = {name: field.name, required: field.required ?? false};
    if (field.type === "textarea") return h("textarea", {...common, rows: 6, value: field.value ?? ""});
    if (field.type === "checkbox") return h("input", {...common, type: "checkbox", checked: field.value ?? false});
    if (field.type === "select") {
        return h("select", common, field.options.map((option) => {
            const [value, label] = Array.isArray(option) ? option : [option, option];
            return h("option", {value, selected: value === field.value}, label);
        }));
    }
    if (field.type === "password") return h("input", {...common, type: "password", autocomplete: "new-password"});
    return h("input", {...common, type: "text", value: field.value ?? "", autocomplete: "off"});
}

function readControl(control) {
    return control.type === "checkbox" ? control.checked : control.value;
}

function labelled(field, control) {
    if (field.type === "checkbox") return h("label.tick", control, field.label);
    return h("label.field", h("span", field.label), control, field.hint && h("small.muted", field.hint));
}

/** Asks before something that cannot be undone; `submit` does it. */
export function confirmDialog(title, text, action, submit) {
    return formDialog({title, text, action, danger: true, submit});
}

/**
 * A panel below a button, closed by Escape, a click elsewhere or leaving it. `build(close)` gives its content.
 */
export function popover(button, build, {align = "left", label} = {}) {
    const old = document.querySelector(".popover");
    old?.close();
    if (old?.opener === button) return null;
    const panel = h(`div.popover.${align}`, {role: "dialog", "aria-label": label ?? button.textContent});
    const close = () => {
        panel.remove();
        button.setAttribute("aria-expanded", "false");
        document.removeEventListener("pointerdown", outside, true);
        window.removeEventListener("hashchange", close);
    };
    const outside = (event) => {
        if (!panel.contains(event.target) && !button.contains(event.target)) close();
    };
    panel.opener = button;
    panel.close = close;
    panel.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        close();
        button.focus();
    });
    panel.addEventListener("focusout", (event) => {
        if (event.relatedTarget && event.relatedTarget !== button && !panel.contains(event.relatedTarget)) close();
    });
    fill(panel, build(close));
    document.body.append(panel);
    place(panel, button, align);
    button.setAttribute("aria-expanded", "true");
    document.addEventListener("pointerdown", outside, true);
    window.addEventListener("hashchange", close);
    panel.querySelector("input, button, select, a")?.focus();
    return panel;
}

function place(panel, button, align) {
    const at = button.getBoundingClientRect();
    const width = panel.offsetWidth;
    const wanted = align === "right" ? at.right - width : at.left;
    panel.style.left = `${Math.max(8, Math.min(wanted, window.innerWidth - width - 8))}px`;
    panel.style.top = `${at.bottom + 4}px`;
    panel.style.maxHeight = `${Math.max(160, window.innerHeight - at.bottom - 16)}px`;
}

/** A menu of [label, action] rows; rows of null are lines; a third element "danger" colours a row. */
export function menu(button, rows, align = "right") {
    popover(button, (close) => h("div.menu", {role: "menu", onkeydown: moveInMenu}, rows.map((row) => {
        if (!row) return h("hr");
        const [label, action, kind] = row;
        return h("button", {role: "menuitem", class: kind ?? "", onclick: () => {
            close();
            action();
        }}, label);
    })), {align});
}

function moveInMenu(event) {
    const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (!step) return;
    event.preventDefault();
    const items = [...event.currentTarget.querySelectorAll("button")];
    const next = items.indexOf(document.activeElement) + step;
    items[(next + items.length) % items.length]?.focus();
}
