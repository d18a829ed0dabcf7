#include "config/yaml.h"

#include <optional>
#include <sstream>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "base/text.h"

namespace respawn::config {

namespace {

Place place_of(const YAML::Mark& mark) {
    return mark.is_null() ? Place{} : Place{ mark.line + 1, mark.column + 1 };
}

// Builds the tree. After the first mistake it ignores what else comes.
class TreeBuilder final : public YAML::EventHandler {
  public:
    explicit TreeBuilder(Node& root) : root_(root) {}
    const std::optional<Mistake>& mistake() const { return mistake_; }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
        leaf(mark, {}, Node::Shape::nothing);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        refuse(mark, "aliases (*name) are not read here; write the value out");
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& text) override;
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Node::Shape::list);
    }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Node::Shape::map);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapEnd() override { close(); }

  private:
    // A map or list that is not closed yet; `key` is what was read of a map's next child.
    struct Open {
        Node* node;
        std::optional<Node> key;
    };

    void refuse(const YAML::Mark& mark, std::string why) {
        if (!mistake_)
            mistake_ = Mistake{ place_of(mark), std::move(why) };
    }
    bool sound(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor);
    Node* add(const YAML::Mark& mark, Node::Shape shape);
    void leaf(const YAML::Mark& mark, const std::string& text, Node::Shape shape);
    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Shape shape);
    void close() {
        if (!mistake_)
            path_.pop_back();
    }

    Node& root_;
    std::vector<Open> path_;
    std::optional<Mistake> mistake_;
};

bool TreeBuilder::sound(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor)
        refuse(mark, "anchors (&name) are not read here; write the value where it belongs");
    if (!tag.empty() && tag != "?" && tag != "!")
        refuse(mark, "tags (!name) are not read here");
    return !mistake_;
}

// The place for what comes next: the root, a list's new item, or a map's child whose key is known.
Node* TreeBuilder::add(const YAML::Mark& mark, Node::Shape shape) {
    Node* node = &root_;
    auto place = place_of(mark);
    if (!path_.empty()) {
        auto& [parent, key] = path_.back();
        if (parent->shape == Node::Shape::map && !key) {
            refuse(mark, "a key must be a text");
            return nullptr;
        }
        node = &parent->children.emplace_back();
        if (key) {
            node->key = key->text;
            node->key_place = key->place;
            if (shape == Node::Shape::nothing)
                place = key->place; // the mark of a value that is not there is somewhere behind it
            key.reset();
        }
    }
    node->shape = shape;
    node->place = place;
    return node;
}

void TreeBuilder::leaf(const YAML::Mark& mark, const std::string& text, Node::Shape shape) {
    if (!mistake_)
        if (auto* node = add(mark, shape))
            node->text = text;
}

void TreeBuilder::OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                           const std::string& text) {
    if (mistake_ || !sound(mark, tag, anchor))
        return;
    if (!path_.empty() && path_.back().node->shape == Node::Shape::map && !path_.back().key) {
        Node key;
        key.text = text;
        key.place = place_of(mark);
        path_.back().key = std::move(key);
    } else if (auto* node = add(mark, Node::Shape::text)) {
        node->text = text;
        node->quoted = tag == "!";
    }
}

void TreeBuilder::open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       Node::Shape shape) {
    if (mistake_ || !sound(mark, tag, anchor))
        return;
    if (path_.size() >= most_depth)
        refuse(mark, "nested too deeply");
    else if (auto* node = add(mark, shape))
        path_.push_back({ node, std::nullopt });
}

} // namespace

const Node* Node::find(std::string_view name) const {
    for (const auto& child : children)
        if (child.key == name)
            return &child;
    return nullptr;
}

bool parse_yaml(const std::string& text, Node& root, Mistake& mistake) {
    TreeBuilder builder(root);
    try {
        std::istringstream stream(text);
        YAML::Parser parser(stream);
        parser.HandleNextDocument(builder);
        Node rest;
        TreeBuilder after(rest);
        if (!builder.mistake() && parser.HandleNextDocument(after)) {
            mistake = { rest.place, "a second document begins here; one file is one document" };
            return false;
        }
    } catch (const YAML::Exception& exception) {
        mistake = { place_of(exception.mark), "this is no YAML: " + printable(exception.msg) };
    } catch (const std::exception&) {
        mistake = { {}, "this is no YAML" };
    }
    if (builder.mistake())
        mistake = *builder.mistake();
    return mistake.why.empty();
}

} // namespace respawn::config
