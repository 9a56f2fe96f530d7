// Spans of traces, out of OpenTelemetry's JSON as the server keeps it.

/** Seconds of a protobuf duration ("1.304s") as milliseconds; null when there is none. */
export function durationMs(text) {
    const match = /^(-?[\d.]+)s$/.exec(text ?? "");
    return match ? Number(match[1]) * 1000 : null;
}

/** A trace's info as the list shows it. */
export function traceOfApi(info) {
    const tags = info.tags ?? {}, metadata = info.trace_metadata ?? {};
    return {
        id: info.trace_id, name: tags["mlflow.traceName"] ?? "", state: info.state ?? "",
        experiment: info.trace_location?.mlflow_experiment?.experiment_id ?? "",
        time: Date.parse(info.request_time), duration: durationMs(info.execution_duration),
        request: info.request_preview ?? "", response: info.response_preview ?? "",
        run: metadata["mlflow.sourceRun"] ?? "", user: metadata["mlflow.trace.user"] ?? metadata["mlflow.user"] ?? "",
        session: metadata["mlflow.trace.session"] ?? "", tokens: tokensOf(metadata),
        assessments: (info.assessments ?? []).filter((one) => one.valid !== false), tags, metadata,
    };
}

function tokensOf(metadata) {
    try {
        return JSON.parse(metadata["mlflow.trace.tokenUsage"]).total_tokens ?? null;
    } catch {
        return null;
    }
}

/** An AnyValue; what MLflow wrote as JSON text is read. */
function valueOf(any = {}) {
    if ("string_value" in any) return parsed(any.string_value);
    if ("int_value" in any) return Number(any.int_value);
    if ("double_value" in any) return Number(any.double_value);
    if ("bool_value" in any) return any.bool_value;
    if ("array_value" in any) return (any.array_value.values ?? []).map(valueOf);
    if ("kvlist_value" in any) return mapOf(any.kvlist_value.values);
    return null;
}

function parsed(text) {
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}

function mapOf(pairs) {
    return Object.fromEntries((pairs ?? []).map((pair) => [pair.key, valueOf(pair.value)]));
}

/** Spans in the order of a tree, {id, name, type, depth, start, end (ms), failed, message, inputs, …}. */
export function spansOf(trace) {
    const spans = (trace.spans ?? []).map(spanOfApi);
    const known = new Set(spans.map((span) => span.id));
    const below = new Map();
    for (const span of spans) {
        const parent = known.has(span.parent) && span.parent !== span.id ? span.parent : "";
        below.set(parent, [...below.get(parent) ?? [], span]);
    }
    const ordered = [];
    const walk = (parent, depth) => {
        for (const span of (below.get(parent) ?? []).sort((a, b) => a.start - b.start || a.end - b.end)) {
            if (span.depth !== undefined) continue; // a circle of parents
            span.depth = depth;
            ordered.push(span);
            walk(span.id, depth + 1);
        }
    };
    walk("", 0);
    for (const span of spans) if (span.depth === undefined) ordered.push({...span, depth: 0});
    return ordered;
}

function spanOfApi(span) {
    const {"mlflow.spanType": type, "mlflow.spanInputs": inputs, "mlflow.spanOutputs": outputs, ...attributes} =
        mapOf(span.attributes);
    delete attributes["mlflow.traceRequestId"];
    return {
        id: span.span_id, parent: span.parent_span_id ?? "", name: span.name ?? "",
        type: type && type !== "UNKNOWN" ? String(type) : "", inputs, outputs, attributes,
        start: Number(span.start_time_unix_nano) / 1e6, end: Number(span.end_time_unix_nano) / 1e6,
        failed: /ERROR/.test(span.status?.code ?? ""), message: span.status?.message ?? "",
        events: (span.events ?? []).map((event) => ({name: event.name, at: Number(event.time_unix_nano) / 1e6,
            attributes: mapOf(event.attributes)})),
    };
}
