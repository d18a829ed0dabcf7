// What the files of this folder share when they call OpenSSL. No other folder includes it.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace respawn::crypto {

// For calls that fail only when memory is out or the library is broken: nothing can be kept safe then.
inline void must(bool held) {
    if (!held) {
        std::fputs("respawn: the cryptography library failed; nothing was written\n", stderr);
        std::abort();
    }
}

inline const unsigned char* in(std::string_view bytes) {
    return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* out(char* bytes) { return reinterpret_cast<unsigned char*>(bytes); }
inline unsigned char* out(std::string& bytes) { return out(bytes.data()); }

} // namespace respawn::crypto
