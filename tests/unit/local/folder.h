/*
 * folder: a data folder for one test, removed afterwards.
 */
#ifndef UNDERSTUDY_TESTS_LOCAL_FOLDER_H
#define UNDERSTUDY_TESTS_LOCAL_FOLDER_H

struct folder {
    char path[64];
};

void folder_make(struct folder *folder);
void folder_remove(struct folder *folder); /* with the files in it */

#endif
