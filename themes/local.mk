# Installed themes.
themedir = $(pkgdatadir)/themes
dist_theme_DATA = \
	themes/dark.theme \
	themes/high-contrast.theme \
	themes/light.theme \
	themes/mono.theme
