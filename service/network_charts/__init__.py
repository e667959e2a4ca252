"""Charts of measures as SVG, and a page for everybody. Pure: reports in, text out."""
