"""Arrays in, one frozen result out; which function answers which question is in docs/statistics.md."""
