"""pyspark.ml.util: telling the server that a model is not used any more.

The client does that in a model's __del__, with a call of its own: in the middle of another call, when the garbage is
collected just then, or when the interpreter is ending and threads cannot be started any more. Either way it may wait
for itself for ever. Here __del__ only notes the id, and a thread tells the server.
"""

import atexit
import queue
import sys
import threading


def apply(module):
    if not hasattr(module, "del_remote_cache"):
        return
    unused = queue.SimpleQueue()  # its put may interrupt anything, another put included
    ending = threading.Event()

    def tell():
        while True:
            session, ref_id = unused.get()
            try:
                session.client._delete_ml_cache([ref_id])
            except Exception:
                pass  # the session is gone, and its models with it

    def del_remote_cache(ref_id):
        sessions = sys.modules.get("pyspark.sql.connect.session")
        if ref_id is None or "." in ref_id or ending.is_set() or sessions is None:
            return
        session = sessions.SparkSession.getActiveSession()
        if session is not None:
            unused.put((session, ref_id))

    module.del_remote_cache = del_remote_cache
    atexit.register(ending.set)
    threading.Thread(target=tell, name="chert-release", daemon=True).start()
