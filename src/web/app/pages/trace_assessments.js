// What people and judges say of a trace: feedback and expectations.

import {mlflow} from "../lib/api.js";
import {formDialog, reportError} from "../lib/dialog.js";
import {h, icon} from "../lib/dom.js";
import {card, time} from "../lib/parts.js";

/** {kind, value, failed} of an assessment; structured expectations are kept as text. */
function contentOf(one) {
    if (one.feedback) return {kind: "feedback", value: one.feedback.value, error: one.feedback.error?.error_message};
    const {value, serialized_value: packed} = one.expectation ?? {};
    return {kind: "expectation", value: packed ? packed.value : value};
}

function textOf(value) {
    if (value === true) return "yes";
    if (value === false) return "no";
    return typeof value === "object" ? JSON.stringify(value) : String(value ?? "–");
}

export function assessmentBadge(one) {
    const {value, error} = contentOf(one);
    const kind = error || value === false || value === "no" ? "bad" : value === true || value === "yes" ? "good" : "";
    return h("span.badge", {class: kind, title: error ?? one.rationale ?? ""},
        `${one.assessment_name}: ${error ? "failed" : textOf(value)}`);
}

export function assessmentsCard(trace, again) {
    return card(h("header", h("h2", "Assessments"), h("span.grow"),
        h("button.small", {onclick: () => ask(trace, again)}, icon("plus"), "Add")),
    trace.assessments.length ? trace.assessments.map((one) => drawOne(trace, one, again))
        : h("p.faint", "Nobody has assessed this trace."));
}

function drawOne(trace, one, again) {
    const {kind, error} = contentOf(one);
    const {source_type: type = "", source_id: id = ""} = one.source ?? {};
    const source = `${String(type).toLowerCase()} ${id}`.trim();
    return h("div.assessment", h("div.badges", assessmentBadge(one), h("span.faint", kind),
        h("button.copy", {"aria-label": `Delete assessment ${one.assessment_name}`, onclick: async () => {
            try {
                await mlflow.delete(`traces/${encodeURIComponent(trace.id)}/assessments/${one.assessment_id}`);
            } catch (failure) {
                reportError(failure);
            }
            again();
        }}, icon("close"))),
    (one.rationale || error) && h("p", error ?? one.rationale),
    h("p.faint", source, one.create_time ? [" · ", time(Date.parse(one.create_time))] : null));
}

async function ask(trace, again) {
    const done = await formDialog({title: "Assess this trace", action: "Add", fields: [
        {name: "kind", label: "Kind", type: "select", options: [["feedback", "Feedback: how good the answer is"],
            ["expectation", "Expectation: what it should have been"]], value: "feedback"},
        {name: "name", label: "Name", required: true, value: "correct"},
        {name: "value", label: "Value", required: true, value: "yes", hint: "yes, no, a number, JSON or text"},
        {name: "why", label: "Why", type: "textarea"},
    ], submit: ({kind, name, value, why}) => mlflow.post(`traces/${encodeURIComponent(trace.id)}/assessments`,
        {assessment: {assessment_name: name, trace_id: trace.id, rationale: why || undefined,
            source: {source_type: "HUMAN", source_id: "browser"}, [kind]: {value: readValue(value)}}})});
    if (done) again();
}

function readValue(text) {
    if (text === "yes" || text === "no") return text === "yes";
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}
