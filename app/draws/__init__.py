"""The public pages under /draws: what a lottery promised, what became of every draw, and how anybody checks it. Nobody signs in."""
