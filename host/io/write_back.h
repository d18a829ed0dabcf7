// Writing that does not leave the disk idle: a file that is made durable at the end is handed to the
// disk while it is being written, so that the end has little to wait for.
#pragma once

#include <cstdint>

namespace respawn::io {

class WriteBack {
  public:
    explicit WriteBack(int file) : file_(file) {}
    // So many bytes more were written, at any place of the file. Promises nothing: sync it at the end.
    void add(std::uint64_t bytes);

  private:
    int file_;
    std::uint64_t waiting_ = 0;
};

} // namespace respawn::io
