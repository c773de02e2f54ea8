"""A stand-in for Tencent: a fake platform, its pushes, a crowd of followers and a phone in the browser."""
