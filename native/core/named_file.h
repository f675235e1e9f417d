#pragma once
#include <cstdint>
#include <functional>
#include <string>

namespace forkful {

// Files of shared memory that unrelated processes of one user find by name, in a directory of that user's own.
//
// Every user of a file holds a shared flock on it, from before its name exists, or from before it is used, until its
// descriptors are closed or its process is gone. So a file that can be locked exclusively is nobody's.
// A name is taken away only by somebody who holds the write lock of a byte of *that* file (fcntl's, which belongs to the
// open file and is independent of flock) and has seen since that the name leads to it: nobody else can take that name
// away meanwhile, so it leads there until he does. The exclusive lock is tried for only with that one held: whatever
// stands in its way is a user.

// All return 0 or a descriptor, or -errno. `file` is a file's name without a slash.
// -EPERM: the directory, or the file, is not this user's alone.

// `fill` is called with an empty file, before anybody else can see it; 0 or -errno. What is nobody's makes way.
// -EEXIST: somebody uses the name. -EBUSY: somebody is at removing it, and does not come to an end: it is stopped.
int create_named_file(const std::string& file, const std::function<int(int fd)>& fill);
// -ENOENT: there is none.
int open_named_file(const std::string& file);
// Takes the name away if it leads to a file that `is_meant`; its users keep it. Otherwise nothing happens.
int remove_named_file(const std::string& file, const std::function<bool(int fd)>& is_meant);
// Removes it if it is nobody's.
void remove_unused_file(const std::string& file);
// For a process that is about to end: it does not count as a user from now on, though the descriptor goes on to lead to
// the file. Takes the name away if nobody else uses it.
void give_up_file(int fd, const std::string& file);
// Removes all that is nobody's.
void remove_unused_files();
// The directory, for messages.
std::string named_files_directory();

}  // namespace forkful
