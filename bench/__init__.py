"""Measurements: each module is one row of figures, run by ``python -m bench NAME``.

Every module has ``run()`` (rows) and ``main()`` (prints them as Markdown); its docstring says how
it measures. Results that documents quote stand in ``results/`` with the command that made them.
"""
