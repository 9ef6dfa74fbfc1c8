"""Views of a case as documents: terminal, notebook, HTML, and the frames and plots behind them."""
