// A run by its id alone: to its page.

import {mlflow} from "../lib/api.js";
import {link} from "../lib/router.js";

export default async function redirect(page, {run}) {
    const reply = await mlflow.get("runs/get", {run_id: run}, page.signal);
    location.replace(link(["experiments", reply.run.info.experiment_id, "runs", run]));
}
