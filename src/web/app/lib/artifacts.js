// Where artifacts come from: a run, a logged model or a version of a registered model. Each store lists folders and
// gives addresses of files by their path below its root.

import {ApiError, address, chert, mlflow} from "./api.js";

const READ_LIMIT = 20e6;

class Store {
    /** The response of a file; throws ApiError. */
    async fetch(path, signal) {
        const response = await fetch(this.url(path), {signal});
        if (!response.ok) throw new ApiError(response.status, "", `${path} could not be read (${response.status})`);
        return response;
    }

    async text(path, signal) {
        const response = await this.fetch(path, signal);
        const size = Number(response.headers.get("Content-Length") ?? 0);
        if (size > READ_LIMIT) throw new ApiError(0, "", `${path} is too big to be shown`);
        return response.text();
    }

    async json(path, signal) {
        return JSON.parse(await this.text(path, signal));
    }

    /** Every file below a folder, {path, file_size}; `most` at most, a few levels deep. */
    async walk(path = "", most = 500, depth = 4, signal = undefined) {
        const found = [];
        for (const entry of await this.list(path, signal)) {
            if (found.length >= most) break;
            if (!entry.is_dir) found.push(entry);
            else if (depth > 1) found.push(...await this.walk(entry.path, most - found.length, depth - 1, signal));
        }
        return found;
    }
}

export class RunArtifacts extends Store {
    constructor(run) {
        super();
        this.run = run;
    }

    async list(path, signal) {
        const reply = await mlflow.get("artifacts/list", {run_id: this.run, path: path || undefined}, signal);
        return reply.files ?? [];
    }

    url(path) {
        return address("get-artifact", {run_id: this.run, path}).href;
    }

    /** What the engine reads out of the model in a folder (see src/web/model_api.c). */
    describe(path, signal) {
        return chert.get("runs/model", {run_id: this.run, path}, signal);
    }
}

export class LoggedModelArtifacts extends Store {
    constructor(model) {
        super();
        this.model = model;
        this.base = `logged-models/${encodeURIComponent(model)}/artifacts`;
    }

    async list(path, signal) {
        const reply = await mlflow.get(`${this.base}/directories`, {artifact_directory_path: path || undefined},
            signal);
        return reply.files ?? [];
    }

    url(path) {
        return address(`ajax-api/2.0/mlflow/${this.base}/files`, {artifact_file_path: path}).href;
    }

    describe(path, signal) {
        return chert.get("logged-models/model", {model_id: this.model}, signal);
    }
}

/** The part of another store below a folder. */
export class Below extends Store {
    constructor(store, folder) {
        super();
        this.store = store;
        this.folder = folder;
    }

    async list(path, signal) {
        const files = await this.store.list(this.inside(path), signal);
        return files.map((file) => ({...file, path: file.path.slice(this.folder.length + 1)}));
    }

    url(path) {
        return this.store.url(this.inside(path));
    }

    describe(path, signal) {
        return this.store.describe(this.inside(path), signal);
    }

    inside(path) {
        return path ? `${this.folder}/${path}` : this.folder;
    }
}

/** The store of a registered version's files, out of its source; null when they are not on this server. */
export function storeOfVersion(version) {
    const source = version.source ?? "";
    const logged = /^models:\/(m-[\w-]+)/.exec(source) ?? /\/models\/(m-[\w-]+)\/artifacts/.exec(source);
    if (logged) return new LoggedModelArtifacts(logged[1]);
    const inRun = /^runs:\/([\w-]+)\/(.+?)\/?$/.exec(source) ?? /\/([\w-]+)\/artifacts\/(.+?)\/?$/.exec(source);
    return inRun ? new Below(new RunArtifacts(inRun[1]), inRun[2]) : null;
}
