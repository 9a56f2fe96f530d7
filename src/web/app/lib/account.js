// Who looks at these pages, on a server that asks (`chert serve --auth`).

import {chert} from "./api.js";

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
