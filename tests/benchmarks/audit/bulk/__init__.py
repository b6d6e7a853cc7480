"""An app of the audit benchmarks: tables whose rows are written by the thousand."""
