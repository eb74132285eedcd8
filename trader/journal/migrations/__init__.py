"""The steps that bring the tables of an older journal to those of this program, run by `trader.journal.migrate`."""
