/*
 * ca_bundle: which authorities are trusted when nobody names a file.
 *
 * A program that was shipped with its own file, `understudy-ca.pem` in its folder, takes that: who
 * can write there can replace the program too. The package for AWS Lambda is such a one
 * (tools/lambda_zip): parsing the seven authorities of AWS's endpoints takes a twentieth of the
 * time of a system's 140. Else it is the system's file, in the first place that exists: a program
 * linked on one distribution may run on another. Memory: the caller frees. Any thread.
 */
#ifndef UNDERSTUDY_NET_CA_BUNDLE_H
#define UNDERSTUDY_NET_CA_BUNDLE_H

/* `built_in`: where the TLS library was built to look; NULL: nowhere. NULL: there is none. */
char *ca_bundle_find(const char *built_in);
/* The same for a given program; `program` NULL: it is not known. For tests. */
char *ca_bundle_find_for(const char *program, const char *built_in);

#endif
