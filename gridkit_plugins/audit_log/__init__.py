"""The official audit log plugin: who changed which row, before and after, in the transaction of the change."""
