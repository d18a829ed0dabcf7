// Result<T>: a value or an Error. Functions that can fail return one; nothing in this program throws
// on purpose. A library's exception is turned into an Error where the library is called.
#pragma once

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace respawn {

// What code may branch on. People read the texts of the Error instead.
enum class Kind {
    usage,        // the command was used wrongly, or the configuration is wrong (exit 2)
    missing,      // a file, snapshot, row or run that is not there
    conflict,     // the name is taken by something else
    denied,       // a wrong key, missing rights, not allowed (exit 7)
    corrupt,      // stored or foreign bytes are not what they should be
    no_space,     // disk full
    io,           // the operating system refused
    unavailable,  // a server or location that cannot be reached, or dropped us
    timeout,      // a deadline has passed
    cancelled,    // the person pressed Ctrl-C (exit 130)
    unsupported,  // asked for something this version or this engine cannot do
    script,       // a runbook's own mistake
    not_needed,   // the runbook's diagnose found nothing to do (exit 0)
    failed_check, // a check, rule or verify does not hold (exit 4)
    needs_person, // a person has to decide (exit 5)
    leased,       // another run holds the lease (exit 6)
    moved,        // the facts moved since they were shown (exit 8)
    unknown,      // cannot be told whether it happened (exit 5)
    internal,     // a mistake of this program
};

// What went wrong, in the words that reach the person:
//   could not {what} ({on})  /  why {why}  /  do {fix}
// The lowest layer fills kind, why and fix; the layer that knows the task adds what and on, once.
struct Error {
    Kind kind = Kind::internal;
    std::string what = {};
    std::string on = {};
    std::string why;
    std::string fix = {};
};

// An Error, or none. Apart from the value, so that a Result that is good costs one null pointer, and
// its copying and ending are compiled once.
class MaybeError {
  public:
    MaybeError() = default;
    MaybeError(Error&& error);
    MaybeError(const Error& error);
    MaybeError(const MaybeError& other);
    MaybeError(MaybeError&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
    MaybeError& operator=(MaybeError other) noexcept {
        std::swap(held_, other.held_);
        return *this;
    }
    ~MaybeError() {
        if (held_)
            drop();
    }
    explicit operator bool() const { return held_ != nullptr; }
    // Ends the program where there is none: to ask for it is a mistake of this program's.
    Error& operator*() const {
        if (!held_)
            std::abort();
        return *held_;
    }
    // Names the task and its object, where no deeper layer has named one.
    void name_task(std::string_view what, std::string_view on);

  private:
    void drop();
    Error* held_ = nullptr;
};

template <class T> class [[nodiscard]] Result {
  public:
    using value_type = T;
    Result(T value) : value_(std::in_place, std::move(value)) {}
    Result(MaybeError error) : error_(std::move(error)) {}
    Result(Error&& error) : error_(std::move(error)) {}
    Result(const Error& error) : error_(error) {}
    template <class U>
    requires(!std::is_same_v<std::remove_cvref_t<U>, T> &&
             !std::is_same_v<std::remove_cvref_t<U>, Error> &&
             !std::is_same_v<std::remove_cvref_t<U>, MaybeError> &&
             !std::is_same_v<std::remove_cvref_t<U>, Result> && std::is_convertible_v<U&&, T>)
        Result(U&& value)
        : value_(std::in_place, std::forward<U>(value)) {}

    bool ok() const { return !error_; }
    explicit operator bool() const { return ok(); }
    // Ends the program where there is an error instead: to ask for the value is this program's mistake.
    T& value() & {
        expect_value();
        return *value_;
    }
    const T& value() const& {
        expect_value();
        return *value_;
    }
    T value() && { return std::move(value()); }
    Error& error() & { return *error_; }
    const Error& error() const& { return *error_; }
    Error&& error() && { return std::move(*error_); }
    // The error as another Result takes it: nothing is copied.
    MaybeError&& failure() && { return std::move(error_); }

    // Names the task and its object, where no deeper layer has named one.
    Result while_doing(std::string_view what, std::string_view on = {}) && {
        error_.name_task(what, on);
        return std::move(*this);
    }

  private:
    void expect_value() const {
        if (error_)
            std::abort();
    }
    std::optional<T> value_;
    MaybeError error_;
};

template <> class [[nodiscard]] Result<void> {
  public:
    using value_type = void;
    Result() = default;
    Result(MaybeError error) : error_(std::move(error)) {}
    Result(Error&& error) : error_(std::move(error)) {}
    Result(const Error& error) : error_(error) {}

    bool ok() const { return !error_; }
    explicit operator bool() const { return ok(); }
    void value() const {}
    Error& error() & { return *error_; }
    const Error& error() const& { return *error_; }
    Error&& error() && { return std::move(*error_); }
    // The error as another Result takes it: nothing is copied.
    MaybeError&& failure() && { return std::move(error_); }
    Result while_doing(std::string_view what, std::string_view on = {}) && {
        error_.name_task(what, on);
        return std::move(*this);
    }

  private:
    MaybeError error_;
};

} // namespace respawn

// TRY(x) is x's value, or returns x's error from the function it stands in. The name is numbered, so
// that one TRY may stand inside another. Inside braces that make an object it may only come first: g++
// forgets to end the members made before it (tests/house/try_first looks).
#define RESPAWN_TRY(name, ...)                                                                         \
    ({                                                                                                 \
        auto name = (__VA_ARGS__);                                                                     \
        if (!name.ok())                                                                                \
            return std::move(name).failure();                                                          \
        std::move(name).value();                                                                       \
    })
#define RESPAWN_JOIN(a, b) a##b
#define RESPAWN_NUMBERED(name, number) RESPAWN_JOIN(name, number)
#define TRY(...) RESPAWN_TRY(RESPAWN_NUMBERED(try_result_, __COUNTER__), __VA_ARGS__)
