"""A report as a page: what it says (`model`, `sections`), and how it is shown (`renderers`)."""
