// A secret: a text that no formatter prints. reveal() is called where it is used, never to show it.
#pragma once

#include <string>
#include <string_view>

namespace respawn {

class Secret {
  public:
    Secret() = default;
    // name is how it was referred to, e.g. "env:DISCORD_WEBHOOK": what errors and journals show.
    Secret(std::string name, std::string text) : name_(std::move(name)), text_(std::move(text)) {}
    ~Secret() { wipe(); }
    Secret(const Secret&) = default;
    Secret& operator=(const Secret&) = default;
    Secret(Secret&&) = default;
    Secret& operator=(Secret&&) = default;

    const std::string& name() const { return name_; }
    std::string_view reveal() const { return text_; }
    bool empty() const { return text_.empty(); }

  private:
    void wipe() {
        volatile char* bytes = text_.data();
        for (std::size_t i = 0; i < text_.size(); ++i)
            bytes[i] = 0;
    }
    std::string name_;
    std::string text_;
};

} // namespace respawn
