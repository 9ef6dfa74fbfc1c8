"""Given names, so that a person is known however a sentence is built; names that are words or systems are left out."""

from __future__ import annotations

_LATIN = """Aaron Abigail Adam Adrian Agnes Aisha Alan Albert Alejandro Alessandro Alex Alexander Alexandra Alexis
    Alfred Alice Alicia Alison Allison Amanda Amelia Amy Ana Anders Andrea Andreas Andreea Andres Andrew Andy Angela
    Anita Ann Anna Anne Annie Anthony Anton Antonio Ashley Astrid Barbara Beatrice Ben Benjamin Bernard Beth Bob
    Bogdan Brandon Brenda Brian Bruno Caitlin Cameron Camille Carl Carla Carlos Carol Caroline Catherine Cecilia
    Charles Charlotte Chloe Chris Christina Christine Christopher Claire Clara Colin Connor Craig Cristina Cynthia
    Dan Daniel Daniela Dave David Deborah Denis Dennis Derek Diana Diego Dmitri Dominic Donald Donna Dorothy Doug
    Douglas Dylan Ed Eddie Edward Eileen Elaine Elena Eleanor Eli Elias Elizabeth Ella Ellen Emil Emily Emma Enrique
    Eric Erica Erik Erin Ethan Eva Evelyn Fabio Felix Fernando Fiona Florian Francesca Francesco Francis Fred
    Frederic Gabriel Gabriela Gary Gavin Geoff George Gerald Gina Giovanni Giulia Glenn Gloria Gonzalo Gordon Greg
    Gregory Guillaume Gustavo Hanna Hannah Hans Harold Harry Heather Heidi Helen Helena Helene Henrik Henry Howard
    Hugo Ian Ingrid Irene Isaac Isabel Isabella Ivan Jacob Jacques Jake James Jamie Jan Jane Janet Jason Javier Jean
    Jeff Jeffrey Jen Jenna Jennifer Jenny Jeremy Jerry Jesse Jessica Jill Jim Jimmy Joan Joanna Joe Joel Johan
    Johanna John Johnny Jon Jonathan Jorge Jose Joseph Josh Joshua Juan Judith Judy Julia Julian Julie Julien
    Juliette Justin Karen Karin Karl Kate Katherine Kathleen Kathryn Katie Katrin Keith Kelly Ken Kenneth Kevin Kim
    Kirsten Kristen Kristin Kurt Kyle Lars Laura Lauren Laurent Lea Leah Lena Leo Leon Leonardo Liam Linda Lisa Liz
    Lorenzo Louis Louise Luca Lucas Lucia Lucy Luis Luisa Lukas Luke Lydia Magda Manuel Marcel Marco Marcus Margaret
    Maria Marie Marina Mario Marion Marta Martha Martin Martina Mary Mateo Mathieu Matt Matteo Matthew Maureen
    Maurice Megan Melanie Melissa Michael Michelle Miguel Mike Milan Mitchell Molly Monica Nadia Nancy Naomi Natalie
    Natasha Nathan Neil Nicholas Nick Nicola Nicolas Nicole Nikolai Nina Noah Nora Olaf Olga Oliver Olivia Oscar
    Owen Pablo Pamela Patricia Patrick Paul Paula Paulo Pedro Peggy Penelope Pete Peter Phil Philip Philippe Pierre
    Rachel Rafael Ralph Ramon Randy Raphael Raymond Rebecca Ricardo Richard Rick Rita Rob Robert Roberta Roberto
    Roger Roland Ron Ronald Rosa Rosie Ross Roxana Russell Ruth Ryan Sabrina Sam Samantha Samuel Sandra Sara Sarah
    Scott Sean Sebastian Serena Sergio Shannon Sharon Sheila Silvia Simon Sofia Sonia Sophia Sophie Stefan Stephanie
    Stephen Steve Steven Stuart Sue Susan Suzanne Sven Sylvia Tanya Tara Ted Teresa Terry Theo Theresa Thomas Tim
    Timothy Tina Todd Tom Tomas Tommy Tony Tracy Trevor Tyler Ursula Valentina Valerie Vanessa Vera Veronica Vincent
    Viola Walter Wendy William Xavier Yvonne Zachary Zoe"""
_WIDER = """Abdul Abdullah Aditya Agnieszka Ahmad Ahmed Akira Aleksander Ali Amar Amina Amir Amit Anand Anil Anjali
    Anneli Arjun Arun Asha Ashok Ayesha Bao Bilal Bjorn Björn Bojan Chandra Cheng Chiara Chidi Chinwe Deepa Deepak
    Devi Dmitry Einar Ekaterina Emeka Erlend Eun Farah Fatima Feng Freya Ganesh Goran Grzegorz Gunnar Habib Halvard
    Hamza Hana Harald Haruka Haruto Hassan Hiroko Hiroshi Huang Hussein Hyun Ibrahim Igor Imran Irina Ivana Jamal
    Jens Jia Jiang Jin Jing Joao Jonas Joonas Jun Kavita Kavya Kenji Khalid Kjell Kofi Krzysztof Kumar Kwame Lakshmi
    Lan Layla Leif Leila Lin Ling Linnea Magnus Malgorzata Malik Manish Mats Meera Mehmet Mei Ming Minh Mohamed
    Mohammad Mohammed Muhammad Mustafa Nasser Natalia Neha Ngoc Ngozi Nikhil Nils Oksana Ole Olena Olu Omar Padma
    Pawel Piotr Pooja Prakash Pranav Preeti Priya Rahul Raj Rajesh Raju Rakesh Ramesh Rasmus Ravi Rohan Rohit Sakura
    Sandeep Sanjana Sanjay Satoshi Selim Sergei Shreya Siddharth Signe Sigrid Singh Solveig Soren Suresh Svetlana
    Søren Tariq Tatiana Thanh Torsten Tuan Ulf Usman Vijay Vikram Vladimir Wei Wojciech Xiao Xin Yan Yang Yara
    Yasmin Yuki Yuri Yusuf Zainab Zeynep Zhang Zhao"""
GIVEN = frozenset(name.lower() for name in (*_LATIN.split(), *_WIDER.split()))
"""In lower case, since people write names so in haste."""
_TOKENS = "ed jan sue sam dan tim ken ron jun lin jin xin yan lan ming raj chris bob ted jim rob ali eun minh devi kim"
_ALSO_WORDS = frozenset(_TOKENS.split())
"""Short enough to be a token of something else when written small."""


def given_name(word: str) -> bool:
    """Say whether a word is a given name, written large or small."""
    lower = word.lower()
    return lower in GIVEN and (word[:1].isupper() or lower not in _ALSO_WORDS)
