// Pages by address. Addresses are MLflow's own ("#/experiments/1/runs/abc"), so links that its client prints work.

/**
 * A table of [pattern, load] rows; ":name" matches a segment, "*name" the rest. `load` gives the page's module, whose
 * default export draws it: (page, params, query) => …
 */
export class Router {
    constructor(rows, notFound) {
        this.rows = rows.map(([pattern, load]) => [pattern.split("/").filter(Boolean), load]);
        this.notFound = notFound;
    }

    /** {load, params, query} of an address without its '#'. */
    match(address) {
        const at = address.indexOf("?");
        const path = at < 0 ? address : address.slice(0, at);
        const query = new URLSearchParams(at < 0 ? "" : address.slice(at + 1));
        const segments = path.split("/").filter(Boolean).map(decode);
        for (const [pattern, load] of this.rows) {
            const params = matchSegments(pattern, segments);
            if (params) return {load, params, query};
        }
        return {load: this.notFound, params: {}, query};
    }
}

function decode(segment) {
    try {
        return decodeURIComponent(segment);
    } catch {
        return segment;
    }
}

function matchSegments(pattern, segments) {
    const params = {};
    for (let i = 0; i < pattern.length; i++) {
        const part = pattern[i];
        if (part[0] === "*") {
            params[part.slice(1)] = segments.slice(i).join("/");
            return params;
        }
        if (i >= segments.length) return null;
        if (part[0] === ":") params[part.slice(1)] = segments[i];
        else if (part !== segments[i]) return null;
    }
    return pattern.length === segments.length ? params : null;
}

/** "#/experiments/1?order=x" out of segments, percent-encoded, and query arguments (empty ones are left out). */
export function link(segments, query = {}) {
    const path = segments.map((part) => encodeURIComponent(part)).join("/");
    const args = new URLSearchParams(Object.entries(query)
        .filter(([, v]) => v !== null && v !== undefined && v !== ""));
    const text = args.toString();
    return `#/${path}${text ? `?${text}` : ""}`;
}

/** Changes the address without loading the page anew: what a page shows can be shared and comes back on reload. */
export function keepInAddress(segments, query) {
    history.replaceState(null, "", link(segments, query));
}

/** What a page is given: where to draw, and what must stop when it is left. */
export class Page {
    constructor(root) {
        this.root = root;
        this.controller = new AbortController();
        this.signal = this.controller.signal;
    }

    title(text) {
        document.title = text ? `${text} · chert` : "chert";
    }

    onLeave(fn) {
        this.signal.addEventListener("abort", fn, {once: true});
    }

    /** Runs `fn` every `ms` while the page is open and visible; never twice at once. */
    poll(ms, fn) {
        const tick = async () => {
            if (this.signal.aborted) return;
            if (!document.hidden) await Promise.resolve(fn()).catch(() => {});
            if (!this.signal.aborted) timer = setTimeout(tick, ms);
        };
        let timer = setTimeout(tick, ms);
        this.onLeave(() => clearTimeout(timer));
    }
}
