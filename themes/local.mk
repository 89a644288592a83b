# Installed themes.
themedir = $(pkgdatadir)/themes
dist_theme_DATA = \
	themes/colorblind.theme \
	themes/dark.theme \
	themes/dracula.theme \
	themes/gruvbox.theme \
	themes/high-contrast.theme \
	themes/light.theme \
	themes/mono.theme \
	themes/nord.theme \
	themes/paper.theme \
	themes/solarized.theme
