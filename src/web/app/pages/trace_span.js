// A span in full: inputs and outputs (conversations as such), attributes, events.

import {h} from "../lib/dom.js";
import {dateTime, duration} from "../lib/format.js";
import {card, copyButton} from "../lib/parts.js";

export function spanDetails(span) {
    const rows = Object.entries(span.attributes);
    return h("div.stack",
        span.failed && h("div.notice.error", h("h2", "Failed"), h("p", span.message || "no message")),
        h("div.cards", valueCard("Inputs", span.inputs), valueCard("Outputs", span.outputs)),
        rows.length > 0 && card("Attributes", h("div.table-wrap", h("table.plain", h("tbody",
            rows.map(([name, value]) => h("tr", h("td.key.mono", name), h("td.value", textOf(value)))))))),
        span.events.length > 0 && card("Events", span.events.map((event) => drawEvent(event, span))),
        card(h("header", h("h2", "Span"), h("span.muted", span.name)), h("p.faint",
            [span.type, `started ${dateTime(span.start)}`, `took ${duration(span.end - span.start)}`].filter(Boolean)
                .join(", "))));
}

function valueCard(title, value) {
    if (value === undefined || value === null) return card(title, h("p.faint", "None."));
    const copy = copyButton(textOf(value), `Copy the ${title.toLowerCase()}`);
    return card(h("header", h("h2", title), h("span.grow"), copy), drawValue(value));
}

function drawValue(value) {
    const messages = messagesOf(value);
    if (!messages) return h("pre.code.wrap", textOf(value));
    return [messages.map(({role, content, tool_calls: calls}) =>
        h("div.message", h("strong", role), h("div", textOf(content ?? calls)))),
    h("details", h("summary.faint", "As JSON"), h("pre.code.wrap", textOf(value)))];
}

/** The messages of a conversation: {messages: [...]}, a list of them, one alone, or choices of an answer. */
function messagesOf(value) {
    const isMessage = (one) => one && typeof one === "object" && typeof one.role === "string";
    const list = Array.isArray(value) ? value
        : value?.messages ?? value?.choices?.map((choice) => choice.message) ?? [value];
    return Array.isArray(list) && list.length && list.every(isMessage) ? list : null;
}

function textOf(value) {
    return typeof value === "string" ? value : JSON.stringify(value, null, 2) ?? "";
}

function drawEvent(event, span) {
    const {"exception.stacktrace": stack, ...rest} = event.attributes;
    return h("div", h("strong", event.name), " ", h("span.faint", `after ${duration(event.at - span.start)}`),
        Object.entries(rest).map(([name, value]) => h("p", h("span.muted", `${name}: `), textOf(value))),
        stack && h("pre.code.wrap", textOf(stack)));
}
