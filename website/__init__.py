"""What makes the documentation site: hooks of MkDocs that generate pages from results, docstrings and yaml.

MkDocs with Material and mkdocstrings, not Sphinx with MyST: the pages in ``docs/`` are Markdown as code hosts show it,
and MkDocs takes them without a dialect of its own; it resolves every link and anchor and fails on a dead one; griffe
reads docstrings without importing torch; and Material searches from ``file://``, with no server. Nothing of this is in
the package that is installed: the site is made from a checkout.

``hooks`` is what MkDocs calls; ``gallery``, ``groups``, ``face`` and ``notebooks`` make pages, with ``keys`` and
``remarks`` to read a yaml and its comments; ``links`` takes links that leave ``docs/`` to pages of the site;
``formulas`` sets mathematics; ``docstrings`` reads them as they are written; ``offline`` holds the built site to what
it promises.
"""
