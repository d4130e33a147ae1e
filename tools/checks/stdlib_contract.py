"""A contract for import-linter: these packages import the standard library and their own kind, nothing else.

A list of forbidden vendors would have to name each of them; this one needs no list.
"""

import sys
from typing import Any

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


class StdlibOnlyContract(Contract):
    """`modules` and what is below them may import the standard library and packages named in `internal`."""

    type_name = "stdlib_only"

    # Declared as Any: import-linter's metaclass puts the parsed lists in place of the fields.
    modules: Any = fields.ListField(subfield=fields.StringField())
    internal: Any = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:  # noqa: ARG002 - import-linter's signature
        allowed = {*sys.stdlib_module_names, *self.internal}
        strangers = [
            f"{importer} imports {imported} (line {detail['line_number']})"
            for top in self.modules
            for importer in sorted({top, *graph.find_descendants(top)})
            for imported in sorted(graph.find_modules_directly_imported_by(importer))
            if imported.partition(".")[0] not in allowed
            for detail in graph.get_import_details(importer=importer, imported=imported)
        ]
        return ContractCheck(kept=not strangers, metadata={"strangers": strangers})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for stranger in check.metadata["strangers"]:
            output.print_error(stranger)
