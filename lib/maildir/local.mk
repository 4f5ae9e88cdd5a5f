# lib/maildir - mailboxes on disk: blocking
noinst_LIBRARIES += lib/libmaildir.a
lib_libmaildir_a_SOURCES = \
	lib/maildir/account.c lib/maildir/account.h \
	lib/maildir/anew.c \
	lib/maildir/box.c lib/maildir/box.h \
	lib/maildir/compact.c \
	lib/maildir/deliver.c lib/maildir/deliver.h \
	lib/maildir/edit.c \
	lib/maildir/fname.c lib/maildir/fname.h \
	lib/maildir/folder.c lib/maildir/folder.h \
	lib/maildir/ingest.c lib/maildir/ingest.h \
	lib/maildir/keywords.c \
	lib/maildir/log.c lib/maildir/log.h \
	lib/maildir/mailboxes.c \
	lib/maildir/names.c lib/maildir/names.h \
	lib/maildir/rebuild.c \
	lib/maildir/replay.c \
	lib/maildir/reserve.c lib/maildir/reserve.h \
	lib/maildir/scan.c lib/maildir/scan.h \
	lib/maildir/seen.c lib/maildir/seen.h \
	lib/maildir/step.c \
	lib/maildir/take.c \
	lib/maildir/volume.c lib/maildir/volume.h
