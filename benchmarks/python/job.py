"""What the peers' scripts share: the job, as the command wrote it, and the tree of its paths.

The job is a JSON file: input and output (paths), columns and common (lists of path, name and type), event (path), threads,
memory (DuckDB's memory_limit, or "").
"""

import json
import sys


class Job:
    def __init__(self):
        with open(sys.argv[1], encoding="utf-8") as f:
            self.__dict__.update(json.load(f))

    def tree(self):
        """All paths as a tree of dicts, whose leaves are types."""
        root = {"record_id": "string", "source": "string", "ingested_at": "timestamp"}
        for path, kind in [(c["path"], c["type"]) for c in self.columns] + [(self.event, "timestamp")]:
            node = root
            for key in path[:-1]:
                node = node.setdefault(key, {})
            node[path[-1]] = kind
        return root
