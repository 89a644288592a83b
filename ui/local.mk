# The terminal front end.
noinst_LIBRARIES += libui.a
libui_a_SOURCES = \
	ui/draw/grid.c ui/draw/grid.h \
	ui/draw/style.c ui/draw/style.h \
	ui/draw/styling.c ui/draw/styling.h \
	ui/draw/wrap.c ui/draw/wrap.h \
	ui/term/key.c ui/term/key.h \
	ui/term/line.c ui/term/line.h \
	ui/term/outlet.c ui/term/outlet.h \
	ui/term/paint.c ui/term/paint.h \
	ui/term/probe.c ui/term/probe.h \
	ui/term/screen.c ui/term/screen.h \
	ui/term/signals.c ui/term/signals.h \
	ui/term/terminfo.c ui/term/terminfo.h \
	ui/theme/color.c ui/theme/color.h \
	ui/theme/theme.c ui/theme/theme.h \
	ui/widget/form.c ui/widget/form.h \
	ui/widget/table.c ui/widget/table.h \
	ui/pane/chat_find.c \
	ui/pane/chat_pick.c \
	ui/pane/chat_text.c ui/pane/chat_text.h \
	ui/pane/layout.c \
	ui/pane/pane.h \
	ui/pane/pane_chat.c \
	ui/pane/pane_console.c \
	ui/pane/pane_input.c \
	ui/pane/pane_list.c \
	ui/pane/pane_results.c \
	ui/pane/pane_roster.c \
	ui/pane/roster_rows.c ui/pane/roster_rows.h \
	ui/pane/pane_status.c \
	ui/pane/pane_title.c \
	ui/pane/pane_xml.c \
	ui/dialog/certificate.c \
	ui/dialog/confirm.c \
	ui/dialog/contact.c \
	ui/dialog/dialog.c ui/dialog/dialog.h \
	ui/dialog/first_start.c \
	ui/dialog/form.c \
	ui/dialog/help.c \
	ui/dialog/menu.c ui/dialog/menu.h \
	ui/dialog/palette.c \
	ui/dialog/password.c \
	ui/dialog/subscription.c \
	ui/desktop.c ui/desktop.h \
	ui/bare.c \
	ui/chat_commands.c \
	ui/filter.c ui/filter.h \
	ui/filter_commands.c \
	ui/hints.c \
	ui/keys.c \
	ui/linear/linear.c ui/linear/linear.h \
	ui/notify.c ui/notify.h \
	ui/notify_commands.c \
	ui/theme_commands.c \
	ui/picture/commands.c \
	ui/picture/format.h \
	ui/picture/overlay.c ui/picture/overlay.h \
	ui/picture/picture.c ui/picture/picture.h \
	ui/picture/pictures.c ui/picture/pictures.h \
	ui/picture/viewer.c ui/picture/viewer.h \
	ui/spell.c ui/spell.h \
	ui/spell_commands.c \
	ui/tui.c ui/tui.h \
	ui/tui_commands.c \
	ui/tui_events.c \
	ui/tui_keys.c \
	ui/ui.h \
	ui/url_commands.c \
	ui/window.c
libui_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURSES_CFLAGS) $(READLINE_CFLAGS) $(ENCHANT_CFLAGS)
LIBUI = libui.a $(CURSES_LIBS) $(READLINE_LIBS) $(ENCHANT_LIBS) -lm

# Decodes pictures, apart from everything else; only where they are wanted.
if PICTURES
pkglibexec_PROGRAMS = txmpp-picture
txmpp_picture_SOURCES = ui/picture/child.c ui/picture/format.h
txmpp_picture_CFLAGS = $(AM_CFLAGS) $(PICTURES_CFLAGS) $(SECCOMP_CFLAGS)
txmpp_picture_LDADD = $(PICTURES_LIBS) $(GIF_LIBS) $(SECCOMP_LIBS)
endif
