// The server's REST interface: MLflow's under /ajax-api, chert's own under /api/chert. Everything here returns parsed
// JSON or throws ApiError with what the server said.

export class ApiError extends Error {
    constructor(status, code, message) {
        super(message);
        this.status = status;
        this.code = code;
    }
}

// Below whatever path the pages are served from, so that a reverse proxy may put a prefix in front.
const BASE = new URL(".", document.baseURI);
BASE.username = BASE.password = ""; // fetch refuses addresses with credentials; the browser sends them by itself
const MLFLOW = "ajax-api/2.0/mlflow/";
const CHERT = "api/chert/v1/";

export function address(path, query = {}) {
    const url = new URL(path, BASE);
    for (const [key, value] of Object.entries(query)) {
        if (value === null || value === undefined) continue;
        for (const item of Array.isArray(value) ? value : [value]) url.searchParams.append(key, item);
    }
    return url;
}

async function request(method, url, body, signal) {
    const options = {method, signal, headers: {Accept: "application/json"}};
    if (body !== undefined) {
        options.headers["Content-Type"] = "application/json";
        options.body = JSON.stringify(body);
    }
    let response;
    try {
        response = await fetch(url, options);
    } catch (error) {
        if (error.name === "AbortError") throw error;
        tellReach(false);
        throw new ApiError(0, "UNREACHABLE", "The server cannot be reached.");
    }
    tellReach(true);
    if (!response.ok) throw await failure(response);
    const text = await response.text();
    return text ? JSON.parse(text) : {};
}

/** "reach" events say whether the server answers, when that changes. */
let reached = true;

function tellReach(now) {
    if (now === reached) return;
    reached = now;
    window.dispatchEvent(new CustomEvent("reach", {detail: now}));
}

async function failure(response) {
    const text = await response.text().catch(() => "");
    try {
        const said = JSON.parse(text);
        return new ApiError(response.status, said.error_code ?? "", said.message ?? text);
    } catch {
        const plain = text && !text.trimStart().startsWith("<") ? text.slice(0, 500) : response.statusText;
        return new ApiError(response.status, "", `${response.status} ${plain}`.trim());
    }
}

/** Calls of MLflow's API: mlflow.get("runs/get", {run_id}). */
export const mlflow = {
    get: (path, query, signal) => request("GET", address(MLFLOW + path, query), undefined, signal),
    post: (path, body, signal) => request("POST", address(MLFLOW + path), body, signal),
    patch: (path, body) => request("PATCH", address(MLFLOW + path), body),
    delete: (path, body) => request("DELETE", address(MLFLOW + path), body),
};

export const chert = {
    get: (path, query, signal) => request("GET", address(CHERT + path, query), undefined, signal),
    post: (path, body, signal) => request("POST", address(CHERT + path), body, signal),
};

/** All pages of a list that MLflow gives in parts. */
export async function all(fetchPage, member, limit = 10000) {
    const items = [];
    let token;
    do {
        const page = await fetchPage(token);
        items.push(...(page[member] ?? []));
        token = page.next_page_token;
    } while (token && items.length < limit);
    return items;
}

/** Whether an answer is another one than the last that was asked about with the same `memory` (an object). */
export function isNews(memory, reply) {
    const text = JSON.stringify(reply);
    if (memory.text === text) return false;
    memory.text = text;
    return true;
}

/** A request for a model, as a client would send it: {status, ms, body (text)}; answers of any status come back. */
export async function invoke(name, which, body) {
    const began = performance.now();
    const url = address(`serve/${encodeURIComponent(name)}/${encodeURIComponent(which)}/invocations`);
    const response = await fetch(url, {method: "POST", headers: {"Content-Type": "application/json"}, body});
    const text = await response.text();
    return {status: response.status, ms: performance.now() - began, body: text, url: String(url)};
}

// ---- who looks at these pages, on a server that asks (`chert serve --auth`)

let asked = null;

/**
 * {auth: false}, or {auth: true, username, is_admin, users_in_file, default_permission}; asked for once, after what the
 * first page needs.
 */
export function whoami() {
    asked ??= idle().then(() => chert.get("me")).catch(() => ({auth: false}));
    return asked;
}

function idle() {
    return new Promise((done) => {
        if (window.requestIdleCallback) requestIdleCallback(done, {timeout: 500});
        else setTimeout(done, 100);
    });
}
