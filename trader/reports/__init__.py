"""What a run leaves for people: a log of trades, figures, a workbook, a page and a few lines on the terminal."""
