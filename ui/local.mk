# The terminal front end.
noinst_LIBRARIES += libui.a
libui_a_SOURCES = \
	ui/tui.c \
	ui/tui.h
LIBUI = libui.a
