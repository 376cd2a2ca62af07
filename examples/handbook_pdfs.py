"""Makes a PDF of each page of the handbook, to have some to search in (needs fpdf2).

Run it as it stands: python examples/handbook_pdfs.py pdfs
"""

import sys
from pathlib import Path

from fpdf import FPDF

HANDBOOK = Path(__file__).parent / "handbook"


def write_pdf(text: str, target: Path) -> None:
    """Set headings and paragraphs on A5, page after page."""
    pdf = FPDF(format=(148, 210))
    pdf.add_page()
    for line in text.splitlines():
        if line.startswith("#"):
            pdf.ln(4)
            pdf.set_font("Helvetica", style="B", size=12 if line.startswith("## ") else 16)
        else:
            pdf.set_font("Helvetica", size=11)
        if line:
            pdf.multi_cell(0, 6, line.lstrip("# "), new_x="LMARGIN", new_y="NEXT")
    pdf.output(str(target))


folder = Path(sys.argv[1] if len(sys.argv) > 1 else "pdfs")
folder.mkdir(exist_ok=True)
pages = sorted(HANDBOOK.glob("*.md"))
for page in pages:
    write_pdf(page.read_text(encoding="utf-8"), folder / f"{page.stem}.pdf")
print(f"{len(pages)} PDFs in {folder}")
