"""App: joins the stages into commands, a server and the demonstration. The only package that knows all others."""
