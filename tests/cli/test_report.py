"""`naas report`: a page for any folder with a design; one sentence where it cannot be written."""

from naas_hw.cli import main


def test_a_design_alone_gets_a_report(design_folder, capsys):
    assert main(["report", str(design_folder)]) == 0
    page = design_folder / "report.html"
    assert capsys.readouterr().out == f"the report is in {page}\n"
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_another_file_leaves_the_folder_as_it_is(design_folder, tmp_path, capsys):
    before = sorted(design_folder.iterdir())
    assert main(["report", str(design_folder), "-o", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").is_file()
    assert sorted(design_folder.iterdir()) == before


def test_what_cannot_be_written_or_read_is_bad_input(design_folder, tmp_path, capsys):
    assert main(["report", str(design_folder), "-o", str(tmp_path / "no" / "page.html")]) == 2
    assert "cannot write " in capsys.readouterr().err
    assert main(["report", str(tmp_path / "no")]) == 2
    assert "no such folder: " in capsys.readouterr().err
