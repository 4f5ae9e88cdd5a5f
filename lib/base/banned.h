/* SPDX-License-Identifier: ISC */
/*
 * base/banned.h - calls that do not compile.  Included last in every .c, for
 * system headers use some of these names under FORTIFY.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#undef alloca
#undef strtok
#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#pragma GCC poison alloca strcpy strcat strncpy strncat sprintf vsprintf gets
#pragma GCC poison strtok atoi atol atoll rand srand random srandom tmpnam
#pragma GCC poison mktemp tempnam system popen gethostbyname gethostbyaddr
#pragma GCC poison getaddrinfo ctime asctime gmtime localtime strerror_r

#endif
