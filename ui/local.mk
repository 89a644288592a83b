# The terminal front end.
noinst_LIBRARIES += libui.a
libui_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURSES_CFLAGS) $(READLINE_CFLAGS)
libui_a_SOURCES = \
	ui/tui.c ui/tui.h
