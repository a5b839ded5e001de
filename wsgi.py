"""The application for any WSGI server: `wsgi:app`. Start its Python with PYTHONUTF8=1 (see docs/operating.md)."""

from pressroom import create_app

app = create_app()
