// Text in a character set of MariaDB's or MySQL's as UTF-8, and back. Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace respawn::component {

class Charset {
  public:
    // As the server calls it: "latin1", "utf8mb4".
    explicit Charset(std::string_view name);
    Charset(Charset&&) noexcept;
    Charset& operator=(Charset&&) noexcept;
    ~Charset();

    // Its texts are what they are in UTF-8, or a part of that.
    bool is_utf8() const { return is_utf8_; }
    // Nothing for bytes that are no text of it, and for all bytes where it is not known here.
    std::optional<std::string> to_utf8(std::string_view bytes);
    // Nothing for a text that it does not have.
    std::optional<std::string> from_utf8(std::string_view text);

  private:
    struct Way;
    bool is_utf8_ = false, is_latin1_ = false, is_wide_ = false; // no byte stands for itself
    std::unique_ptr<Way> to_, from_;
};

// A definition in the character set that its client had when it was made, which the server takes it to
// be in; as it is, where that is not known here.
std::string in_charset_of_client(const std::string& definition, const std::string& charset);

} // namespace respawn::component
