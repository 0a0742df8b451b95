"""An entry of the audit log as it is shown."""

from typing import Any

from ringline.audit.entry import Entry
from ringline.runtime.clock import iso


def entry_view(entry: Entry) -> dict[str, Any]:
    return {
        "audit_id": entry.audit_id,
        "at": iso(entry.at),
        "action": entry.action,
        "resource": entry.resource,
        "outcome": entry.outcome,
        "status": entry.status,
        "code": entry.code,
        "who": entry.who,
        "key_name": entry.name,
        "source_ip": entry.source_ip,
        "request_id": entry.request_id,
        "changes": [{"field": each.name, "before": each.before, "after": each.after} for each in entry.changes],
        "changes_left_out": entry.left_out,
    }
