// A box that sends a request to a registered model, as its clients do.

import {invoke} from "../lib/api.js";
import {storeOfVersion} from "../lib/artifacts.js";
import {fill, h} from "../lib/dom.js";
import {card, copyButton} from "../lib/parts.js";
import {curlOf, exampleRequest, readModelFile} from "./model_view.js";

/** `choices`: [what to put into the address, label]; `versionOf(which)` gives the version behind it. */
export function tryBox(name, choices, versionOf, signal) {
    const which = h("select", {"aria-label": "Version", onchange: () => offer()},
        choices.map(([value, label]) => h("option", {value}, label)));
    const input = h("textarea.mono", {rows: 9, spellcheck: false, "aria-label": "Request", value: "{}"});
    const answer = h("pre.code", {"aria-label": "Answer", "aria-live": "polite"}, "The answer comes here.");
    const status = h("span.muted");
    const curl = h("span");
    let written = "";

    async function offer() {
        const store = storeOfVersion(versionOf(which.value) ?? {});
        if (!store || (written && input.value !== written)) return;
        try {
            const {signature} = await readModelFile(store, signal);
            written = input.value = exampleRequest(signature?.inputs ?? (await store.describe("", signal)).inputs);
            showCurl();
        } catch {
            // A model of another kind: the box stays as it is, a request can be written by hand.
        }
    }

    function showCurl() {
        try {
            fill(curl, copyButton(curlOf(name, which.value, input.value), "Copy as a curl command"), "as curl");
        } catch {
            fill(curl);
        }
    }

    async function send() {
        go.disabled = true;
        showCurl();
        try {
            const reply = await invoke(name, which.value, input.value);
            status.className = reply.status === 200 ? "badge good" : "badge bad";
            status.textContent = `${reply.status}, ${reply.ms.toFixed(1)} ms`;
            answer.textContent = pretty(reply.body);
        } catch (error) {
            status.className = "badge bad";
            status.textContent = "failed";
            answer.textContent = error.message;
        }
        go.disabled = false;
    }

    const go = h("button.primary", {onclick: send}, "Send");
    offer();
    return card("Try it",
        h("div.toolbar", h("span.mono.muted.clip", `POST /serve/${name}/`), which,
            h("span.mono.muted", "/invocations"), go, status,
        h("span.grow"), h("span.faint", curl)), h("div.cards", input, answer));
}

function pretty(text) {
    try {
        return JSON.stringify(JSON.parse(text), null, 2);
    } catch {
        return text;
    }
}
