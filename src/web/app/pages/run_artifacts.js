// The artifacts of a run.

import {RunArtifacts} from "../lib/artifacts.js";
import {artifactBrowser} from "./artifact_browser.js";

export default function drawArtifacts(view, root) {
    root.append(artifactBrowser(new RunArtifacts(view.id), {
        signal: view.page.signal, path: view.path, root: view.data.info.artifact_uri,
        chosen: (path) => history.replaceState(null, "", view.address("artifacts", ...path.split("/"))),
    }));
    return {};
}
