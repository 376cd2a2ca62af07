"""The questions of a check, each with one document that answers it and three that do not.

The words of an easy question stand in its answer, so that a scorer that only compares words is
right. In a hard one they stand in the wrong documents, and only the meaning decides. The answers'
places and lengths are spread, so that neither of them gives a good result by itself.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """A query with its documents; `right` is the position of the one that answers it."""

    query: str
    right: int
    documents: tuple[str, str, str, str]


EASY = (
    Question(
        "How do I reset the password of my email account?",
        0,
        (
            "To reset the password of your email account, open the settings and choose a new one.",
            "The museum opens at nine and closes at five, except on public holidays in winter.",
            "Bread rises faster in a warm kitchen than on a cold windowsill.",
            "Our trains run every twenty minutes between the harbour and the central station.",
        ),
    ),
    Question(
        "boiling point of water at sea level",
        2,
        (
            "The parliament votes on the new law about rental flats in the coming week, it said.",
            "She plays the violin in an orchestra, and teaches children at the weekend.",
            "At sea level the boiling point of water is 100 degrees Celsius.",
            "A mortgage is a loan that is secured by the house that it pays for, for many years.",
        ),
    ),
    Question(
        "treatment of bee stings",
        1,
        (
            "Invoices are sent by post.",
            "In the treatment of bee stings, first remove the sting, then cool the skin with ice; "
            "watch for an allergic reaction.",
            "The striker scored twice in the second half of the final.",
            "Concrete hardens for weeks.",
        ),
    ),
    Question(
        "When was the suspension bridge over the river built?",
        3,
        (
            "Mix the flour with two eggs and a little salt, and let the dough rest for an hour.",
            "The printer reports a paper jam although the tray is empty and the cover is shut.",
            "Whales breathe air, so that they have to come up to the surface now and then.",
            "The suspension bridge over the river was built in 1931.",
        ),
    ),
    Question(
        "opening hours of the public library on Saturday",
        1,
        (
            "A tyre should be changed when its tread is worn.",
            "On Saturday the opening hours of the public library are ten to four.",
            "The volcano last erupted two hundred years ago.",
            "Tea grows best on slopes where the nights are cool and the days are wet and warm.",
        ),
    ),
    Question(
        "how to sharpen a kitchen knife with a whetstone",
        2,
        (
            "The committee meets once in a quarter and publishes its minutes a few days later.",
            "Lightning heats the air so fast that we hear it as thunder.",
            "To sharpen a kitchen knife with a whetstone, wet the stone and draw the blade over it "
            "at a steady angle of fifteen degrees.",
            "Their first album sold poorly, the second one very well.",
        ),
    ),
    Question(
        "symptoms of iron deficiency in adults",
        3,
        (
            "The ferry to the island does not sail in a storm.",
            "A chess game may end in a draw by agreement.",
            "The roof was repaired last spring by a local firm that has existed since 1950.",
            "Symptoms of iron deficiency in adults are tiredness, pale skin and short breath.",
        ),
    ),
    Question(
        "which planet has the largest moon in the solar system",
        0,
        (
            "The largest moon in the solar system belongs to the planet Jupiter.",
            "The contract ends after twelve months unless both sides agree in writing to renew it.",
            "Wool shrinks in hot water, and should be washed by hand in cold water with mild soap.",
            "The marathon begins at the town hall and ends in the stadium on the other bank.",
        ),
    ),
)  # fmt: skip

HARD = (
    Question(
        "Can I get my money back?",
        1,
        (
            "I can get back to my seat when the film goes on.",
            "Customers who are unhappy with a purchase receive a full refund within thirty days.",
            "My back hurts: I can not get up, and I can not get my shoes on.",
            "Can I get my hair cut?",
        ),
    ),
    Question(
        "my computer will not start",
        3,
        (
            "The race will not start before my brother is there, and he will not be early today.",
            "My holidays will start in July.",
            "My start number will not fit on the shirt.",
            "If the laptop stays dark when the power button is pressed, check the charger first.",
        ),
    ),
    Question(
        "what do cows eat",
        0,
        (
            "Cattle graze on grass and are fed hay in winter.",
            "What do you do when the guests eat late, and what do you do when they do not come?",
            "Tell me what you eat, and what you do in the evening.",
            "What do you do?",
        ),
    ),
    Question(
        "cheap places to sleep in Paris",
        2,
        (
            "Many places in the theatre were cheap.",
            "She went to sleep in the places where it was quiet, and woke up to the sound of rain.",
            "Budget hostels in the French capital start at twenty euros a night.",
            "Cheap paint came off in places, so that we had to do it again in spring.",
        ),
    ),
    Question(
        "how to stop a baby from crying",
        1,
        (
            "How to stop a car from rolling on a hill: turn the wheels to the kerb.",
            "An infant in tears often calms down when it is rocked, fed or held close.",
            "How to stop a tap from dripping, and how to keep a pipe from bursting in a frost.",
            "How to stop a leak.",
        ),
    ),
    Question(
        "who runs the company",
        3,
        (
            "The girl who runs the fastest wins the race.",
            "He runs every morning, and the neighbour who runs with him is good company.",
            "Who runs down the hill there? It is the dog, and the boy runs after it all day long.",
            "Maria Lopez has been chief executive of the firm since May.",
        ),
    ),
    Question(
        "is the restaurant open late",
        0,
        (
            "The kitchen serves hot meals to our guests until midnight.",
            "The train is late, and the door is open.",
            "The open question is whether the late reply is the right one, or is the first one.",
            "It is late, but is the window open?",
        ),
    ),
    Question(
        "remedy against a headache",
        2,
        (
            "He leaned against a tree.",
            "A vote against a plan is no vote against a person, and a team plays against a team.",
            "Paracetamol or ibuprofen relieves pain in the temples within half an hour.",
            "A goal against a strong team is a surprise.",
        ),
    ),
)  # fmt: skip
