# Unit tests: one program per module, g_test; "prog --tap" prints TAP.
# A fuzz target is tests/fuzz/fuzz_X.c with LLVMFuzzerTestOneInput and a corpus
# in tests/fuzz/corpus/X; without --enable-fuzzers it is linked with replay.c,
# which feeds it every file of the corpus.
LDADD = $(LIBTXMPP) $(LTLIBINTL)

UNIT_TESTS =
FUZZ_TARGETS =

FUZZ_TARGETS += tests/fuzz/fuzz_guard
tests_fuzz_fuzz_guard_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_guard_LDFLAGS = $(FUZZ_LINK)
UNIT_TESTS += tests/unit/test_guard
UNIT_TESTS += tests/unit/test_link
UNIT_TESTS += tests/unit/test_relay
tests_unit_test_relay_SOURCES = tests/unit/test_relay.c \
	tests/unit/kit_tls.c tests/unit/kit_tls.h
UNIT_TESTS += tests/unit/test_dial
UNIT_TESTS += tests/unit/test_tls
UNIT_TESTS += tests/unit/test_model
UNIT_TESTS += tests/unit/test_login
UNIT_TESTS += tests/unit/test_mutations
UNIT_TESTS += tests/unit/test_stanza
UNIT_TESTS += tests/unit/test_iq
UNIT_TESTS += tests/unit/test_roster
UNIT_TESTS += tests/unit/test_presence
UNIT_TESTS += tests/unit/test_inbox
EXTRA_DIST += tests/unit/session_fixture.h tests/unit/tree.h
UNIT_TESTS += tests/unit/test_http
tests_unit_test_http_SOURCES = tests/unit/test_http.c \
	tests/unit/kit_tls.c tests/unit/kit_tls.h
UNIT_TESTS += tests/unit/test_stream
tests_unit_test_stream_SOURCES = tests/unit/test_stream.c \
	tests/unit/kit_server.c tests/unit/kit_server.h \
	tests/unit/kit_tls.c tests/unit/kit_tls.h
UNIT_TESTS += tests/unit/test_sasl2
tests_unit_test_sasl2_SOURCES = tests/unit/test_sasl2.c \
	tests/unit/kit_server.c tests/unit/kit_server.h \
	tests/unit/kit_tls.c tests/unit/kit_tls.h
tests_unit_test_tls_SOURCES = tests/unit/test_tls.c \
	tests/unit/kit_tls.c tests/unit/kit_tls.h

UNIT_TESTS += tests/unit/test_access
UNIT_TESTS += tests/unit/test_avatar
UNIT_TESTS += tests/unit/test_blocking
UNIT_TESTS += tests/unit/test_carbons
UNIT_TESTS += tests/unit/test_chat_settings
UNIT_TESTS += tests/unit/test_disco_caps
UNIT_TESTS += tests/unit/test_features
UNIT_TESTS += tests/unit/test_forms
UNIT_TESTS += tests/unit/test_mam
UNIT_TESTS += tests/unit/test_reading
UNIT_TESTS += tests/unit/test_sm
UNIT_TESTS += tests/unit/test_receipts
UNIT_TESTS += tests/unit/test_register
EXTRA_DIST += tests/unit/xep_fixture.h
FUZZ_TARGETS += tests/fuzz/fuzz_form
FUZZ_TARGETS += tests/fuzz/fuzz_stanza

UNIT_TESTS += tests/unit/test_history
tests_unit_test_history_SOURCES = tests/unit/test_history.c \
	tests/unit/kit_vfs.c tests/unit/kit_vfs.h
EXTRA_DIST += tests/unit/history-1.db tests/unit/history-2.db tests/unit/history-3.db \
	tests/unit/history-4.db tests/tsan.supp
UNIT_TESTS += tests/unit/test_jid
UNIT_TESTS += tests/unit/test_log
UNIT_TESTS += tests/unit/test_paths
UNIT_TESTS += tests/unit/test_sasl
tests_unit_test_sasl_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=hash_salted
UNIT_TESTS += tests/unit/test_secret
UNIT_TESTS += tests/unit/test_stamp
UNIT_TESTS += tests/unit/test_text
UNIT_TESTS += tests/unit/test_trim
UNIT_TESTS += tests/unit/test_url

FUZZ_TARGETS += tests/fuzz/fuzz_jid
tests_fuzz_fuzz_jid_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_jid_LDFLAGS = $(FUZZ_LINK)
FUZZ_TARGETS += tests/fuzz/fuzz_sasl
tests_fuzz_fuzz_sasl_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_sasl_LDFLAGS = $(FUZZ_LINK)
FUZZ_TARGETS += tests/fuzz/fuzz_stamp
tests_fuzz_fuzz_stamp_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_stamp_LDFLAGS = $(FUZZ_LINK)
FUZZ_TARGETS += tests/fuzz/fuzz_text
tests_fuzz_fuzz_text_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_text_LDFLAGS = $(FUZZ_LINK)

UNIT_TESTS += tests/unit/test_option
UNIT_TESTS += tests/unit/test_args
UNIT_TESTS += tests/unit/test_registry
UNIT_TESTS += tests/unit/test_complete
UNIT_TESTS += tests/unit/test_script_output
EXTRA_DIST += tests/unit/engine_fixture.h
UNIT_TESTS += tests/unit/test_grid
tests_unit_test_grid_LDADD = $(LIBUI) $(LDADD)
UNIT_TESTS += tests/unit/test_keys
tests_unit_test_keys_LDADD = $(LIBUI) $(LDADD)
UNIT_TESTS += tests/unit/test_notify
tests_unit_test_notify_LDADD = $(LIBUI) $(LDADD)
UNIT_TESTS += tests/unit/test_outlet
tests_unit_test_outlet_LDADD = $(LIBUI) $(LDADD)
UNIT_TESTS += tests/unit/test_paint
tests_unit_test_paint_LDADD = $(LIBUI) $(LDADD)
UNIT_TESTS += tests/unit/test_panes
tests_unit_test_panes_LDADD = $(LIBUI) $(LDADD)
tests_unit_test_panes_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=text_next_grapheme
UNIT_TESTS += tests/unit/test_spell
tests_unit_test_spell_LDADD = $(LIBUI) $(LDADD)
UNIT_TESTS += tests/unit/test_styling
tests_unit_test_styling_LDADD = $(LIBUI) $(LDADD)
UNIT_TESTS += tests/unit/test_picture
tests_unit_test_picture_LDADD = $(LIBUI) $(LDADD)
FUZZ_TARGETS += tests/fuzz/fuzz_picture
tests_fuzz_fuzz_picture_LDADD = $(LIBUI) $(FUZZ_LIBS)
tests_fuzz_fuzz_picture_LDFLAGS = $(FUZZ_LINK)
UNIT_TESTS += tests/unit/test_languages
tests_unit_test_languages_LDADD = $(LIBUI) $(LDADD)
tests_unit_test_languages_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=gettext \
	-Wl,--wrap=dcgettext -Wl,--wrap=ngettext -Wl,--wrap=dcngettext
UNIT_TESTS += tests/unit/test_theme
tests_unit_test_theme_LDADD = $(LIBUI) $(LDADD)
UNIT_TESTS += tests/unit/test_wrap
tests_unit_test_wrap_LDADD = $(LIBUI) $(LDADD)
tests_unit_test_wrap_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=text_next_grapheme
EXTRA_DIST += tests/golden tests/unit/golden.h
FUZZ_TARGETS += tests/fuzz/fuzz_keys
tests_fuzz_fuzz_keys_LDADD = $(LIBUI) $(FUZZ_LIBS)
tests_fuzz_fuzz_keys_LDFLAGS = $(FUZZ_LINK)
FUZZ_TARGETS += tests/fuzz/fuzz_styling
tests_fuzz_fuzz_styling_LDADD = $(LIBUI) $(FUZZ_LIBS)
tests_fuzz_fuzz_styling_LDFLAGS = $(FUZZ_LINK)
FUZZ_TARGETS += tests/fuzz/fuzz_theme
tests_fuzz_fuzz_theme_LDADD = $(LIBUI) $(FUZZ_LIBS)
tests_fuzz_fuzz_theme_LDFLAGS = $(FUZZ_LINK)
FUZZ_TARGETS += tests/fuzz/fuzz_wrap
tests_fuzz_fuzz_wrap_LDADD = $(LIBUI) $(FUZZ_LIBS)
tests_fuzz_fuzz_wrap_LDFLAGS = $(FUZZ_LINK)

EXTRA_DIST += tests/unit/engine_fixture.h tests/fuzz/engine_rows.h
FUZZ_TARGETS += tests/fuzz/fuzz_command_line
tests_fuzz_fuzz_command_line_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_command_line_LDFLAGS = $(FUZZ_LINK)
FUZZ_TARGETS += tests/fuzz/fuzz_config
tests_fuzz_fuzz_config_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_config_LDFLAGS = $(FUZZ_LINK)
FUZZ_TARGETS += tests/fuzz/fuzz_json_request
tests_fuzz_fuzz_json_request_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_json_request_LDFLAGS = $(FUZZ_LINK)
check_PROGRAMS += $(UNIT_TESTS) $(FUZZ_TARGETS)
TESTS += $(UNIT_TESTS) $(FUZZ_TARGETS)
AM_TESTS_ENVIRONMENT = srcdir='$(srcdir)'; export srcdir; \
	G_TEST_SRCDIR='$(abs_top_srcdir)'; export G_TEST_SRCDIR;

check_LIBRARIES += tests/fuzz/libreplay.a
tests_fuzz_libreplay_a_SOURCES = tests/fuzz/replay.c
if FUZZERS
FUZZ_LIBS = $(LDADD)
FUZZ_LINK = $(AM_LDFLAGS) -fsanitize=fuzzer
else
FUZZ_LIBS = tests/fuzz/libreplay.a $(LDADD)
FUZZ_LINK = $(AM_LDFLAGS)
endif
# For each target:  tests_fuzz_fuzz_X_LDADD = $(FUZZ_LIBS)
#                   tests_fuzz_fuzz_X_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_stanza_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_stanza_LDFLAGS = $(FUZZ_LINK)
tests_fuzz_fuzz_form_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_form_LDFLAGS = $(FUZZ_LINK)

EXTRA_DIST += tests/fuzz/corpus tests/e2e tests/demo tests/check.py \
	tests/screenshot.py tests/theme_pictures.py tests/deps.sh tests/build.sh tests/tour.py tests/layers tests/cases tests/cases.md .ci/run
dist-hook:
	find $(distdir)/tests -name __pycache__ -prune -exec rm -rf {} +

# make bench: figures beside the peers'; see tests/bench/bench.py.
EXTRA_DIST += tests/bench/bench.py tests/bench/bench_archive.py \
	tests/bench/bench_store.py
.PHONY: bench
bench: txmpp tests/bench/bench_screen tests/bench/bench_history
	/usr/bin/python3 $(srcdir)/tests/bench/bench.py --binary ./txmpp \
	    --screen tests/bench/bench_screen \
	    --history tests/bench/bench_history $(BENCH_FLAGS)
	/usr/bin/python3 $(srcdir)/tests/bench/bench_archive.py --binary ./txmpp
	/usr/bin/python3 $(srcdir)/tests/bench/bench_store.py --binary ./txmpp \
	    --history tests/bench/bench_history $(STORE_FLAGS)

# make terminals: pictures of the screen in real terminals, to be looked at.
EXTRA_DIST += tests/terminals.py
.PHONY: terminals
terminals: txmpp
	/usr/bin/python3 $(srcdir)/tests/terminals.py --binary ./txmpp \
	    --out terminals $(TERMINALS)

# make soak: long conversations over bad links, and a table; tests/soak/soak.py.
EXTRA_DIST += tests/soak
.PHONY: soak
soak: txmpp
	/usr/bin/python3 $(srcdir)/tests/soak/soak.py --binary ./txmpp $(SOAK_FLAGS)

# make bench STORE_FLAGS='--messages 1000000,10000000': the largest store, too.
EXTRA_PROGRAMS = tests/bench/bench_history tests/bench/bench_screen
tests_bench_bench_screen_SOURCES = tests/bench/bench_screen.c
tests_bench_bench_screen_LDADD = $(LIBUI) $(LDADD)
tests_bench_bench_history_SOURCES = tests/bench/bench_history.c
FUZZ_TARGETS += tests/fuzz/fuzz_sm
tests_fuzz_fuzz_sm_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_sm_LDFLAGS = $(FUZZ_LINK)
FUZZ_TARGETS += tests/fuzz/fuzz_history
tests_fuzz_fuzz_history_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_history_LDFLAGS = $(FUZZ_LINK)

UNIT_TESTS += tests/unit/test_chat
tests_unit_test_chat_LDADD = $(LIBUI) $(LDADD)
EXTRA_DIST += tests/unit/chat_fixture.h
UNIT_TESTS += tests/unit/test_scrollback
tests_unit_test_scrollback_LDADD = $(LIBUI) $(LDADD)
FUZZ_TARGETS += tests/fuzz/fuzz_import
tests_fuzz_fuzz_import_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_import_LDFLAGS = $(FUZZ_LINK)
FUZZ_TARGETS += tests/fuzz/fuzz_archive
tests_fuzz_fuzz_archive_LDADD = $(FUZZ_LIBS)
tests_fuzz_fuzz_archive_LDFLAGS = $(FUZZ_LINK)
